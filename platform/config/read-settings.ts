import { readFileSync } from 'node:fs'
import { redacted, type Setting } from './setting.ts'

/**
 * Settings come from the environment. Each package declares a table of `Setting`s in its `config.ts`; `main.ts` reads all
 * tables together, so that all invalid values are reported at once.
 */

export type Table = Readonly<Record<string, Setting<unknown>>>

/** The values of a table of settings. */
export type Values<S extends Table> = { readonly [K in keyof S]: ReturnType<S[K]['parse']> }

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
  const problems: SettingProblem[] = []
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(table)) {
    try {
      values[key] = readOne(setting, env)
    } catch (thrown) {
      problems.push(problemOf(setting, env, thrown as Error))
    }
  }
  if (problems.length > 0) throw new InvalidSettings(problems)
  return Object.freeze(values) as Values<S>
}

function readOne(setting: Setting<unknown>, env: Environment): unknown {
  const given = env[setting.env]?.trim()
  const file = setting.secret ? env[`${setting.env}_FILE`]?.trim() : undefined
  if (given && file) throw new Error(`is given twice, directly and in ${setting.env}_FILE`)
  const text = file ? readSecret(file) : given
  return text ? setting.parse(text) : setting.fallback
}

function readSecret(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (thrown) {
    throw new Error(`cannot be read from the file ${path} (${(thrown as { code?: string }).code})`, {
      cause: thrown,
    })
  }
  if (text === '') throw new Error(`is to be read from ${path}, but that file is empty`)
  return text
}

function problemOf(setting: Setting<unknown>, env: Environment, thrown: Error): SettingProblem {
  const given = env[setting.env]
  const shown =
    given === undefined
      ? ''
      : setting.secret
        ? ` (${redacted})`
        : `=${JSON.stringify(given.replace(/\/\/[^@/\s]*@/g, `//${redacted}@`))}`
  const remedy = `Give ${setting.expects}${setting.secret ? `, here or in a file named by ${setting.env}_FILE` : ''}.`
  return { variable: `${setting.env}${shown}`, problem: thrown.message, remedy }
}

/** The values for the log, formatted as in the environment, without secrets. */
export function redact<S extends Table>(table: S, values: Values<S>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(table)
      .filter(([key]) => values[key] !== undefined)
      .map(([key, one]) => [one.env, one.secret ? redacted : one.print(values[key])]),
  )
}

/** One Markdown table row per setting: variable, default, format, meaning. */
export function describeSettings(table: Table): string[] {
  return Object.values(table).map((one) => {
    const shown = one.shownFallback ?? (one.fallback === undefined ? '' : one.print(one.fallback))
    const names = one.secret ? `\`${one.env}\`, \`${one.env}_FILE\`` : `\`${one.env}\``
    return `| ${names} | ${shown === '' ? '–' : `\`${shown}\``} | ${cell(one.expects)} | ${cell(one.help)} |`
  })
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
