import { parseSync } from 'oxc-parser'

/** A piece of a source file and the line that it begins on. */
export interface Fragment {
  readonly text: string
  readonly line: number
}

export interface SourceText {
  /** Names that the file declares: bindings, parameters, functions, types, aliases, and members of types and classes. */
  readonly identifiers: readonly Fragment[]
  /** Comments, string literals, templates and the text of JSX elements. */
  readonly prose: readonly Fragment[]
  /** Names that the file exports, without re-exports. */
  readonly exported: readonly string[]
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

/** Reads a TypeScript or TSX file. */
export function readSource(path: string, source: string): SourceText {
  const { program, comments, module } = parseSync(path, source)
  const lineOf = lineNumbers(source)
  const identifiers: Fragment[] = []
  const prose: Fragment[] = comments.map(({ value, start }) => ({ text: value, line: lineOf(start) }))
  walk(program as unknown as Node, (node) => {
    for (const name of declaredBy(node)) identifiers.push({ text: name.text, line: lineOf(name.start) })
    const text = proseOf(node)
    if (text !== undefined) prose.push({ text, line: lineOf(node.start) })
    if (node.type === 'ImportDeclaration')
      for (const alias of aliases(node)) identifiers.push({ text: alias.text, line: lineOf(alias.start) })
    // Import paths are checked as file names.
    return node.type === 'ImportDeclaration' || node.type === 'ImportExpression' ? 'skip' : undefined
  })
  const exported = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ exportName, moduleRequest }) =>
      moduleRequest === null && exportName.name !== null ? exportName.name : [],
    ),
  )
  return { identifiers, prose, exported }
}

function walk(node: Node, enter: (node: Node) => 'skip' | undefined): void {
  if (enter(node) === 'skip') return
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) walk(child, enter)
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

interface Name {
  readonly text: string
  readonly start: number
}

function declaredBy(node: Node): Name[] {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return [...names(node['id']), ...list(node['params']).flatMap(names)]
    case 'VariableDeclarator':
    case 'ClassDeclaration':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return names(node['id'])
    case 'TSPropertySignature':
    case 'TSMethodSignature':
    case 'PropertyDefinition':
    case 'MethodDefinition':
      return names(node['key'])
    case 'CatchClause':
      return names(node['param'])
    case 'TSEnumDeclaration':
    case 'TSEnumMember':
      return names(node['id'])
    case 'TSTypeParameter':
      return names(node['name'])
    case 'ExportSpecifier':
      return names(node['exported'])
    default:
      return []
  }
}

/** The names that an import gives to what it imports. */
function aliases(node: Node): Name[] {
  return list(node['specifiers']).flatMap((one) => {
    if (!isNode(one)) return []
    const [imported] = names(one['imported'])
    return names(one['local']).filter(({ text }) => text !== imported?.text)
  })
}

/** The names that a pattern binds. A shorthand such as `{ status }` is named by the declaration of the property. */
function names(pattern: unknown): Name[] {
  if (!isNode(pattern)) return []
  switch (pattern.type) {
    case 'Identifier':
      return [{ text: String(pattern['name']), start: pattern.start }]
    case 'AssignmentPattern':
      return names(pattern['left'])
    case 'RestElement':
      return names(pattern['argument'])
    case 'ArrayPattern':
      return list(pattern['elements']).flatMap(names)
    case 'ObjectPattern':
      return list(pattern['properties']).flatMap((one) =>
        isNode(one) && one.type === 'Property'
          ? one['shorthand'] === true
            ? []
            : names(one['value'])
          : names(one),
      )
    default:
      return []
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function proseOf(node: Node): string | undefined {
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value']
  if (node.type === 'JSXText') return String(node['value'])
  if (node.type !== 'TemplateLiteral') return undefined
  return list(node['quasis'])
    .map((one) => String((one as { value?: { cooked?: unknown } }).value?.cooked ?? ''))
    .join('…')
}

/** The line of an offset, counted from 1. */
function lineNumbers(source: string): (offset: number) => number {
  const starts = [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)]
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
