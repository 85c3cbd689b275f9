import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'

/**
 * Makes a repeated option an error. Commander would silently use the last value.
 */
export function refuseRepeatedOptions(command: Command): void {
  for (const option of command.options) {
    // Options that collect their values begin with an empty list.
    if (option.isBoolean() || Array.isArray(option.defaultValue)) continue
    let isGiven = false
    command.on(`option:${option.name()}`, () => {
      if (isGiven) {
        throw new CliError('usage', `--${option.name()} is repeated.`, {
          field: `--${option.name()}`,
          remedy: 'Give it once.',
        })
      }
      isGiven = true
    })
  }
}

/** Makes an unknown command name an error, although the default command of the group would accept it as an argument. */
export function refuseUnknownCommands(defaultCommand: Command): void {
  defaultCommand.allowExcessArguments().hook('preAction', (_, { args: [word], parent }) => {
    if (word !== undefined && parent !== null) throw unknownCommand(parent, word)
  })
}

/** Adds `help [command...]`. For an unknown command it prints one line instead of the whole help. */
export function addHelpCommand(group: Command): void {
  group
    .helpCommand(false)
    .command('help')
    .description('display help for a command')
    .argument('[command...]', 'name of the command')
    .helpGroup('Help:')
    .action((names: readonly string[]) => {
      let command = group
      for (const name of names) {
        const next = command.commands.find((one) => one.name() === name)
        if (next === undefined) throw unknownCommand(command, name)
        command = next
      }
      command.outputHelp()
    })
}

/** The names that a user types for a command, for example `admin dead list`. */
export function commandPath(command: Command): string {
  const { parent } = command
  if (parent === null) return ''
  return [commandPath(parent), command.name()].filter(Boolean).join(' ')
}

function unknownCommand(group: Command, word: string): CliError {
  const known = group
    .createHelp()
    .visibleCommands(group)
    .map((one) => one.name())
    .join(', ')
  return new CliError('usage', `Unknown command ${[commandPath(group), word].filter(Boolean).join(' ')}.`, {
    remedy: `Commands: ${known}.`,
  })
}
