/** A route of the router, e.g. `GET /api/v1/tasks/:id`. */
interface Route {
  readonly method: string
  readonly path: string
}

/** Finds the route of a path: to tell a wrong method from an unknown path, and as a label of metrics. */
export interface RouteTable {
  /** The template that a path matches, e.g. `/api/v1/tasks/{id}`; undefined for an unknown path. */
  templateOf(path: string): string | undefined
  /** Methods of a path, sorted; empty for an unknown path. */
  methodsOf(path: string): readonly string[]
}

interface RouteEntry {
  readonly template: string
  readonly segments: readonly string[]
  readonly methods: Set<string>
}

/** @param list called once, at the first lookup: routes are added until the server listens */
export function createRouteTable(list: () => readonly Route[]): RouteTable {
  let find: ((path: string) => RouteEntry | undefined) | undefined
  const entryOf = (path: string) => (find ??= indexRoutes(list()))(withoutTrailingSlash(path))
  return {
    templateOf: (path) => entryOf(path)?.template,
    methodsOf: (path) => [...(entryOf(path)?.methods ?? [])].sort(),
  }
}

function indexRoutes(routes: readonly Route[]): (path: string) => RouteEntry | undefined {
  const byTemplate = new Map<string, RouteEntry>()
  for (const { method, path } of routes) {
    const segments = withoutTrailingSlash(path).split('/')
    const template = segments.map((one) => (one.startsWith(':') ? `{${one.slice(1)}}` : one)).join('/') || '/'
    const entry = byTemplate.get(template) ?? { template, segments, methods: new Set() }
    byTemplate.set(template, entry)
    for (const one of httpMethodsOf(method)) entry.methods.add(one)
  }
  // Most paths have no parameter and are found in the map; the others by their number of segments.
  const byLength = new Map<number, RouteEntry[]>()
  for (const entry of byTemplate.values()) {
    if (!entry.template.includes('{')) continue
    const others = byLength.get(entry.segments.length)
    if (others) others.push(entry)
    else byLength.set(entry.segments.length, [entry])
  }
  return (path) => {
    const plain = byTemplate.get(path)
    if (plain && !plain.template.includes('{')) return plain
    const segments = path.split('/')
    return byLength.get(segments.length)?.find((entry) => matches(entry.segments, segments))
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.every((one, i) => (one.startsWith(':') ? segments[i] !== '' : one === segments[i]))
}

/** A GET route also serves HEAD; a WebSocket starts as a GET. */
function httpMethodsOf(method: string): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method === 'WS' ? 'GET' : method]
}

/** `/a/` equals `/a`; the root stays. */
function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
