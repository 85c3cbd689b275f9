import type { Command } from 'commander'

/** Adds examples to the help of a command. An example may begin with settings. */
export function addExamples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nExamples:\n${lines.map((line) => `  $ ${line.replace(/^(?:[A-Z_]+=\S+ )*/, '$&./pixelflow ')}`).join('\n')}`,
  )
}
