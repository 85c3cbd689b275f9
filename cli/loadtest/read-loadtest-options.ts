import { resolve } from 'node:path'
import { findNearestWord } from '@pixelflow/core/validation/find-nearest-word'
import { profileNames, type ProfileName } from '@pixelflow/loadtest/profiles'
import { scenarioNames, scenarios, type ScenarioName } from '@pixelflow/loadtest/scenarios'
import { CliError } from '../cli-error.ts'
import { readRecipe } from '../client/recipe.ts'
import type { ServerFlags } from '../commands/server-flags.ts'
import type { Context } from '../context.ts'

/** The options of the command line, as given. */
export interface LoadtestFlags extends Omit<ServerFlags, 'grpc'> {
  readonly profile: string
  readonly users?: string
  readonly duration?: string
  readonly image?: string
  readonly recipe: string
  readonly report?: string
  readonly grpc?: string
}

export interface LoadtestOptions {
  readonly scenario: ScenarioName
  readonly profile: ProfileName
  readonly users: number
  readonly holdS: number | undefined
  /** Undefined for the generated photo. */
  readonly jpeg: Uint8Array | undefined
  /** JSON. */
  readonly recipe: string
  readonly k6Options: readonly string[]
}

const maxUsers = 20_000
const maxHoldS = 7 * 86_400

/** @throws CliError `usage` for an unknown scenario or profile, and for an invalid option. */
export async function readLoadtestOptions(
  scenarioName: string | undefined,
  k6Options: readonly string[],
  flags: LoadtestFlags,
  { cwd }: Pick<Context, 'cwd'>,
): Promise<LoadtestOptions> {
  const scenario = readScenario(scenarioName)
  const profile = readProfile(flags.profile)
  if (scenario === 'followers' && k6Options.length > 0) {
    throw new CliError('usage', 'The scenario followers does not run k6, so it has no options for k6.', {
      remedy: `Leave out ${k6Options.join(' ')}.`,
    })
  }
  const { users } = scenarios[scenario]
  return {
    scenario,
    profile,
    users:
      flags.users === undefined ? (profile === 'smoke' ? users.smoke : users.normal) : readUsers(flags.users),
    holdS: flags.duration === undefined ? undefined : readSeconds(flags.duration),
    jpeg: flags.image === undefined ? undefined : await readJpeg(flags.image, cwd),
    recipe: await readRecipeText(flags.recipe, cwd),
    k6Options,
  }
}

function readScenario(name: string | undefined): ScenarioName {
  const scenario = scenarioNames.find((one) => one === name)
  if (scenario !== undefined) return scenario
  const all = `Scenarios: ${scenarioNames.join(', ')}.`
  if (name === undefined) throw new CliError('usage', 'No scenario is given.', { remedy: all })
  const isProfile = profileNames.some((one) => one === name)
  const near = findNearestWord(name, scenarioNames)
  const hint = isProfile
    ? `${name} is a profile: ./pixelflow loadtest tasks --profile ${name}. `
    : near === undefined
      ? ''
      : `Did you mean ${near}? `
  throw new CliError('usage', `Unknown scenario ${name}.`, { remedy: `${hint}${all}` })
}

function readProfile(name: string): ProfileName {
  const profile = profileNames.find((one) => one === name)
  if (profile !== undefined) return profile
  const near = findNearestWord(name, profileNames)
  throw new CliError('usage', `Unknown profile ${name}.`, {
    field: '--profile',
    remedy: `${near === undefined ? '' : `Did you mean ${near}? `}Profiles: ${profileNames.join(', ')}.`,
  })
}

function readUsers(value: string): number {
  const users = Number(value)
  if (Number.isInteger(users) && users >= 1 && users <= maxUsers) return users
  throw new CliError('usage', `--users must be a whole number from 1 to ${maxUsers}, got ${value}.`, {
    field: '--users',
    remedy: 'Give a number such as 20.',
  })
}

async function readRecipeText(argument: string, cwd: string): Promise<string> {
  const recipe = await readRecipe(argument, cwd)
  const outputs = Object.keys(recipe.outputs ?? {})
  if (outputs.length <= 1) return JSON.stringify(recipe)
  throw new CliError('usage', `The recipe has ${outputs.length} outputs.`, {
    field: '--recipe',
    remedy: 'Give a recipe with one output.',
  })
}

const unitS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

function readSeconds(value: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([smh])$/.exec(value) ?? []
  const seconds = Number(number) * (unitS[unit] ?? 0)
  if (seconds >= 1 && seconds <= maxHoldS) return seconds
  throw new CliError('usage', `--duration must be a time from 1s to 168h, got ${value}.`, {
    field: '--duration',
    remedy: 'Give a number with a unit, such as 30s, 10m or 2h.',
  })
}

async function readJpeg(path: string, cwd: string): Promise<Uint8Array> {
  const bytes = await Bun.file(resolve(cwd, path))
    .bytes()
    .catch(() => undefined)
  if (bytes?.[0] === 0xff && bytes[1] === 0xd8) return bytes
  throw new CliError('usage', `${path} ${bytes === undefined ? 'cannot be read' : 'is not a JPEG file'}.`, {
    field: '--image',
    remedy: 'Give a JPEG file that you can read.',
  })
}
