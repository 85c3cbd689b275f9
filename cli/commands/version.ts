import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { readServerVersion } from '../client/open-client.ts'
import {
  locate,
  certificatesOf,
  serverFlags,
  examples,
  reporterFor,
  type ServerFlags,
} from './server-flags.ts'

export function versionCommand(program: Command, context: Context, version: string): void {
  const command = program
    .command('version')
    .summary('versions of this client and of the server')
    .description('Shows the versions of this client, of Bun, and of the server if one answers.')
  examples(serverFlags(command), ['version', 'version --json']).action(async (options: ServerFlags) => {
    const { interrupts } = context
    const { url } = await locate(context, options)
    const told = await readServerVersion(url, interrupts.signal, certificatesOf(context, options))
    const platform = `${process.platform} ${process.arch}`
    reporterFor(context, options).result(
      { version, bun: process.versions.bun, platform, server: { url, version: told } },
      [
        `pixelflow ${version}`,
        `bun       ${process.versions.bun} on ${platform}`,
        `server    ${told === null ? `none answers at ${url}` : `${told} at ${url}`}`,
      ],
    )
  })
}
