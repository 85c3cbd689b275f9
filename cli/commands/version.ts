import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { readServerVersion } from '../client/open-client.ts'
import { addExamples } from './add-examples.ts'
import {
  locateServerFor,
  certificatesOf,
  addServerFlags,
  createReporterFor,
  type ServerFlags,
} from './server-flags.ts'

export function addVersionCommand(program: Command, context: Context, version: string): void {
  const command = program
    .command('version')
    .summary('show the versions of this client and the server')
    .description('Shows the versions of this client, of Bun, and of the server if it is reachable.')
  addExamples(addServerFlags(command), ['version', 'version --json']).action(async (options: ServerFlags) => {
    const { interrupts } = context
    const { url } = await locateServerFor(context, options)
    const serverVersion = await readServerVersion(url, interrupts.signal, certificatesOf(context, options))
    const platform = `${process.platform} ${process.arch}`
    createReporterFor(context, options).result(
      { version, bun: process.versions.bun, platform, server: { url, version: serverVersion } },
      [
        `pixelflow ${version}`,
        `bun       ${process.versions.bun} on ${platform}`,
        `server    ${serverVersion === null ? `not reachable at ${url}` : `${serverVersion} at ${url}`}`,
      ],
    )
  })
}
