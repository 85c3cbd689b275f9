import type { Command } from 'commander'
import type { Client } from '@pixelflow/client'
import { openServer } from '../client/server.ts'
import type { Context } from '../context.ts'
import { Exit } from '../exit.ts'
import { borrowServer } from '../stack/borrow.ts'
import { openOutlet, type Outlet, type OutletOptions } from '../terminal/outlet.ts'

/** Options of every command that talks to a server. */
export interface ClientOptions {
  readonly server?: string
  readonly token?: string
  readonly json?: boolean
}

/** Adds them. */
export function clientOptions(command: Command): Command {
  return command
    .option(
      '-s, --server <url>',
      'address of the server (default: PIXELFLOW_URL, else this machine)',
      address,
    )
    .option(
      '--token <token>',
      'bearer token; better kept in PIXELFLOW_TOKEN, where no list of processes shows it',
    )
    .option('--json', 'write JSON: one value a line, the result last')
}

/** Examples at the end of a command's help; settings may stand in front of one. */
export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nExamples:\n${lines.map((line) => `  $ ${line.replace(/^(?:[A-Z_]+=\S+ )*/, '$&./pixelflow ')}`).join('\n')}`,
  )
}

function address(value: string): string {
  const url = URL.parse(value)
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') return url.origin
  throw new Exit('usage', `--server ${value} is no address of a server.`, {
    remedy: 'Write it as http://127.0.0.1:3000 or https://pixelflow.example.com.',
  })
}

/** The server as the options, else the environment, name it. Nothing is started, nothing is asked yet. */
export function serverOf({ config, interrupts }: Context, { server, token }: ClientOptions): Client {
  return openServer({
    url: server ?? config.serverUrl,
    token: token ?? config.token,
    signal: interrupts.signal,
  })
}

/** Does something with a server; one of this machine is started for it if none answers. */
export async function withServer<T>(
  context: Context,
  options: ClientOptions,
  say: (text: string) => void,
  use: (server: Client) => Promise<T>,
): Promise<T> {
  const { config, interrupts } = context
  await using borrowed = await borrowServer({
    config,
    server: options.server,
    signal: interrupts.signal,
    say,
  })
  return await use(serverOf(context, { ...options, server: borrowed.url }))
}

export function outletFor(
  { config }: Context,
  options: ClientOptions,
  more: Partial<OutletOptions> = {},
): Outlet {
  return openOutlet({ json: options.json === true, colour: config.colour, ...more })
}
