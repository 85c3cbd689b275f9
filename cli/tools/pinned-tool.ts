import { join } from 'node:path'

/** What the `go.mod` of a tool pins: the package to build, and the version of the module it comes from. */
export interface PinnedTool {
  /** Folder of the tool's module. */
  readonly folder: string
  /** Import path of the program. */
  readonly program: string
  /** Without the leading v. */
  readonly version: string
}

/** @throws Error when `tools/<name>/go.mod` is missing or names no tool. */
export async function readPinnedTool(root: string, name: string): Promise<PinnedTool> {
  const folder = join(root, 'tools', name)
  const text = await Bun.file(join(folder, 'go.mod')).text()
  const program = /^tool\s+(\S+)$/m.exec(text)?.[1]
  if (program === undefined) throw new Error(`${folder}/go.mod has no line that begins with "tool"`)
  // The module is the longest required path that the program's path begins with.
  const required = [...text.matchAll(/^(?:require)?\s*([\w./~-]+\.[\w./~-]+) v(\S+)/gm)]
  const module = required
    .filter(([, path = '']) => program === path || program.startsWith(`${path}/`))
    .sort((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0]
  if (module?.[2] === undefined) throw new Error(`${folder}/go.mod requires no module with ${program}`)
  return { folder, program, version: module[2] }
}
