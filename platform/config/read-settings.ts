import { z } from 'zod'
import { showFileVariable, type SecretSource, type SettingIssue } from './read-secret.ts'
import settingNames from './setting-names.json'
import { redacted, type Setting } from './setting.ts'

/**
 * Settings come from the environment. Each package declares a table of `Setting`s in its `config.ts`; `main.ts` reads all
 * tables together with one schema, so that all invalid values are reported at once.
 */

export type Table = Readonly<Record<string, Setting<unknown>>>

/** The values of a table of settings. */
export type Values<S extends Table> = { readonly [K in keyof S]: z.output<S[K]['schema']> }

export type Environment = Readonly<Record<string, string | undefined>>

/** One invalid value: its variable, what is wrong, and what to do. */
export interface SettingProblem {
  readonly variable: string
  readonly problem: string
  readonly remedy: string
}

/** Prevents the start; `message` lists every invalid value. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings'
  readonly problems: readonly SettingProblem[]

  constructor(problems: readonly SettingProblem[]) {
    super(problems.map((one) => `${one.variable} ${one.problem}. ${one.remedy}`).join('\n'))
    this.problems = problems
  }
}

/** @throws InvalidSettings naming every variable with an invalid value. */
export function readSettings<S extends Table>(table: S, env: Environment): Values<S> {
  const settings = Object.entries(table)
  const schema = z.object(Object.fromEntries(settings.map(([key, one]) => [key, one.schema]))).readonly()
  const given = Object.fromEntries(settings.map(([key, one]) => [key, givenFor(one, env)]))
  // Compiling the schema, as zod does for many values of one schema, costs more than this one parse.
  const { success, data, error } = schema.safeParse(given, { jitless: true })
  const renamed = renamedProblems(table, env)
  if (success && renamed.length === 0) return data as Values<S>
  const issues = new Map<PropertyKey | undefined, z.core.$ZodIssue>()
  // A list can have several invalid entries, which have one remedy.
  for (const issue of error?.issues ?? []) if (!issues.has(issue.path[0])) issues.set(issue.path[0], issue)
  throw new InvalidSettings([
    ...renamed,
    ...settings.flatMap(([key, one]) => {
      const issue = issues.get(key)
      return issue === undefined ? [] : [problemOf(issue, one, env)]
    }),
  ])
}

/**
 * A limit that is given under its former name would be ignored without notice. Each process reports the former names of all
 * settings, because `./pixelflow up` passes the same environment to every process.
 */
function renamedProblems(table: Table, env: Environment): SettingProblem[] {
  const own = Object.values(table).flatMap(({ former, env: name }) =>
    former === undefined ? [] : [[former, name] as const],
  )
  return [...new Map([...Object.entries(settingNames.former), ...own])]
    .filter(([former]) => env[former]?.trim())
    .map(([former, name]) => ({
      variable: former,
      problem: 'is the former name of a setting',
      remedy: `Rename it to ${name}.`,
    }))
}

function problemOf(issue: z.core.$ZodIssue, setting: Setting<unknown>, env: Environment): SettingProblem {
  const own = issue.code === 'custom' ? (issue.params as SettingIssue | undefined) : undefined
  return {
    variable: own?.variable ?? showVariable(setting, env),
    problem: issue.message,
    remedy: own?.remedy ?? remedyOf(setting),
  }
}

/** What the schema of a setting parses. A blank variable counts as not set. */
function givenFor(
  { env: name, secret }: Setting<unknown>,
  env: Environment,
): string | SecretSource | undefined {
  const text = env[name]?.trim() || undefined
  return secret ? { text, file: env[`${name}_FILE`]?.trim() || undefined } : text
}

/** The variable and its value, without secrets and without the user and password of an address. */
function showVariable({ env: name, secret }: Setting<unknown>, env: Environment): string {
  const given = env[name]?.trim() || undefined
  const file = secret ? env[`${name}_FILE`]?.trim() || undefined : undefined
  if (given === undefined) return file === undefined ? name : showFileVariable(name, file)
  if (secret) return `${name} (${redacted})`
  return `${name}=${JSON.stringify(given.replace(/\/\/[^@/\s]*@/g, `//${redacted}@`))}`
}

function remedyOf({ env, expects, secret }: Setting<unknown>): string {
  return `Give ${expects}${secret ? `, here or in a file named by ${env}_FILE` : ''}.`
}

/** The values for the log, formatted as in the environment, without secrets. */
export function redact<S extends Table>(table: S, values: Values<S>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(table)
      .filter(([key]) => values[key] !== undefined)
      .map(([key, one]) => [one.env, one.secret ? redacted : one.print(values[key])]),
  )
}
