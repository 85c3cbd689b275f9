/** A route as the router has it, e.g. `GET /api/v1/tasks/:id`. */
export interface Route {
  readonly method: string
  readonly path: string
}

/** What is served where: for telling a wrong method from a wrong path, and many paths by one name. */
export interface RouteTable {
  /** The template that a path belongs to, e.g. `/api/v1/tasks/{id}`; undefined where there is nothing. */
  templateOf(path: string): string | undefined
  /** Methods that are possible at a path, sorted; none where there is nothing. */
  methodsOf(path: string): readonly string[]
}

interface Place {
  readonly template: string
  readonly parts: readonly string[]
  readonly methods: Set<string>
}

/** @param list asked once, at the first question: routes are added until the server listens */
export function createRouteTable(list: () => readonly Route[]): RouteTable {
  let places: Places | undefined
  const at = (path: string) => (places ??= placesOf(list())).find(withoutSlash(path))
  return {
    templateOf: (path) => at(path)?.template,
    methodsOf: (path) => [...(at(path)?.methods ?? [])].sort(),
  }
}

interface Places {
  find(path: string): Place | undefined
}

function placesOf(routes: readonly Route[]): Places {
  const byTemplate = new Map<string, Place>()
  for (const { method, path } of routes) {
    const parts = withoutSlash(path).split('/')
    const template =
      parts.map((part) => (part.startsWith(':') ? `{${part.slice(1)}}` : part)).join('/') || '/'
    const place = byTemplate.get(template) ?? { template, parts, methods: new Set() }
    byTemplate.set(template, place)
    for (const one of methodsBehind(method)) place.methods.add(one)
  }
  // Most paths have no parameter, and are found at once; the others by how many parts they have.
  const byLength = new Map<number, Place[]>()
  for (const place of byTemplate.values()) {
    if (!place.template.includes('{')) continue
    const others = byLength.get(place.parts.length)
    if (others) others.push(place)
    else byLength.set(place.parts.length, [place])
  }
  return {
    find(path) {
      const plain = byTemplate.get(path)
      if (plain && !plain.template.includes('{')) return plain
      const parts = path.split('/')
      return byLength.get(parts.length)?.find((place) => fits(place.parts, parts))
    },
  }
}

function fits(pattern: readonly string[], parts: readonly string[]): boolean {
  return pattern.every((one, i) => (one.startsWith(':') ? parts[i] !== '' : one === parts[i]))
}

/** A route that gives also answers HEAD; a WebSocket begins as a GET. */
function methodsBehind(method: string): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method === 'WS' ? 'GET' : method]
}

/** `/a/` is `/a`; the root stays. */
function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
