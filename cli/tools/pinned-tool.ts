import { join } from 'node:path'

/** The program that the `go.mod` of a tool pins, and the version of its module. */
export interface PinnedTool {
  /** Folder of the tool's module. */
  readonly folder: string
  /** Import path of the program. */
  readonly program: string
  /** Without the leading v. */
  readonly version: string
}

/** @throws Error when `tools/<name>/go.mod` is missing or pins no tool. */
export async function readPinnedTool(root: string, name: string): Promise<PinnedTool> {
  const folder = join(root, 'tools', name)
  const text = await Bun.file(join(folder, 'go.mod')).text()
  const program = /^tool\s+(\S+)$/m.exec(text)?.[1]
  if (program === undefined) throw new Error(`${folder}/go.mod has no tool directive.`)
  // The module of a program is the longest required path that is a prefix of the program's path.
  const required = [...text.matchAll(/^(?:require)?\s*([\w./~-]+\.[\w./~-]+) v(\S+)/gm)]
  const module = required
    .filter(([, path = '']) => program === path || program.startsWith(`${path}/`))
    .sort((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0]
  if (module?.[2] === undefined)
    throw new Error(`${folder}/go.mod does not require a module that contains ${program}.`)
  return { folder, program, version: module[2] }
}
