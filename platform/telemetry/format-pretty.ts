import type { Fields, Level } from './logger.ts'

const colours = { debug: 90, info: 36, warn: 33, error: 31 } as const

/** A readable line: time, level, service, message and fields, followed by stack traces. */
export function formatPretty(level: Level, msg: string, { service, ...fields }: Fields): string {
  const time = new Date().toISOString().slice(11, 23)
  const stacks: string[] = []
  const printedFields = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${dim(`${key}=`)}${printed(value, stacks)}`)
  const head = `${dim(time)} ${coloured(level)} ${String(service)} ${msg}`
  return `${[head, ...printedFields].join(' ')}\n${stacks.map((stack) => `${dim(stack)}\n`).join('')}`
}

function printed(value: unknown, stacks: string[]): string {
  if (typeof value === 'string') return /\s|"/.test(value) ? JSON.stringify(value) : value
  if (typeof value !== 'object' || value === null) return String(value)
  const { message, stack } = value as { message?: unknown; stack?: unknown }
  if (typeof stack !== 'string') return JSON.stringify(value)
  stacks.push(stack)
  return JSON.stringify(message)
}

function coloured(level: Level): string {
  return `\u001b[${colours[level]}m${level.padEnd(5)}\u001b[0m`
}

function dim(text: string): string {
  return `\u001b[2m${text}\u001b[0m`
}
