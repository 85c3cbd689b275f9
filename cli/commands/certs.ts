import { isIP } from 'node:net'
import { join, relative, resolve } from 'node:path'
import { accountId } from '@pixelflow/core/principal'
import { Option, type Command } from 'commander'
import type {
  CertificateFolder,
  ClientIdentity,
  EnsuredCertificate,
  IssueReason,
} from '../certs/ensure-certificates.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { styleOf } from '../terminal/style.ts'
import { addExamples } from './add-examples.ts'
import { createReporterFor } from './server-flags.ts'

interface CertsOptions {
  readonly dir?: string
  readonly host: readonly string[]
  readonly client: readonly ClientIdentity[]
  readonly renew?: boolean
  readonly json?: boolean
}

export function addCertsCommand(program: Command, context: Context): void {
  const command = program
    .command('certs')
    .summary('create certificates for TLS')
    .description(
      'Creates TLS certificates for development: a certificate authority, a certificate for the gateway (localhost, ' +
        '127.0.0.1, ::1 and your hosts), and one for each client, which authenticates it as an account. The authority ' +
        'is valid for 10 years, the other certificates for 397 days. All keys are ECDSA P-256 and readable only by you.\n\n' +
        'Later calls keep valid certificates, hosts and clients, and replace certificates with less than 30 days left. ' +
        'A running gateway reloads new files automatically.',
    )
    .option('--dir <folder>', 'folder of the certificates (default: certs in PIXELFLOW_DATA_DIR)')
    .addOption(
      new Option('--host <name>', 'another DNS name or IP address of the server; repeatable')
        .argParser(host)
        .default([], 'none'),
    )
    .addOption(
      new Option('--client <name[:account]>', 'a client, and its account if it has another name; repeatable')
        .argParser(client)
        .default([], 'local'),
    )
    .option('--renew', 'issue new certificates for the server and the clients, by the same authority')
    .option('--json', 'write one JSON value')
  addExamples(command, [
    'certs',
    'certs --host pixelflow.example.com --client ann --client nightly-job:ann',
    'certs --renew',
  ]).action(async (options: CertsOptions) => {
    // Imported here, so that the other commands start faster.
    const { ensureCertificates } = await import('../certs/ensure-certificates.ts')
    const folder =
      options.dir === undefined ? join(context.config.dataDir, 'certs') : resolve(context.cwd, options.dir)
    const kept = await ensureCertificates({
      folder,
      hosts: options.host,
      clients: options.client,
      renew: options.renew === true,
    })
    createReporterFor(context, options).result(jsonOf(kept), linesOf(kept, context))
  })
}

function host(value: string, before: readonly string[]): readonly string[] {
  const name = value.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (isIP(name) === 6) return [...before, new URL(`http://[${name}]`).hostname.slice(1, -1)]
  const isName = name.length <= 253 && /^(?:\*\.)?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/.test(name)
  if (isIP(name) === 4 || (isName && !/^[\d.]+$/.test(name))) return [...before, name]
  throw new CliError('usage', `--host ${value} is neither a DNS name nor an IP address.`, {
    field: '--host',
    remedy: 'Write it as pixelflow.example.com or 192.168.1.4, without scheme and port.',
  })
}

function client(value: string, before: readonly ClientIdentity[]): readonly ClientIdentity[] {
  const [name = '', account = name, ...rest] = value.split(':')
  if (rest.length > 0 || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new CliError('usage', `--client ${value} is not a valid client name.`, {
      field: '--client',
      remedy:
        'Write it as NAME or NAME:ACCOUNT. A name has 1 to 64 of the characters A-Z, a-z, 0-9, dot, _ and -.',
    })
  }
  if (!accountId.safeParse(account).success) {
    throw new CliError('usage', `--client ${value} does not contain a valid account.`, {
      field: '--client',
      remedy: 'Write it as NAME:ACCOUNT. An account has 1 to 64 of the characters a-z, 0-9, _ and -.',
    })
  }
  return [...before.filter((one) => one.name !== name), { name, account }]
}

/** Settings of a gateway that uses the certificates. */
function settingsOf({ server, authority }: CertificateFolder) {
  return {
    PIXELFLOW_TLS_CERT_FILE: server.certificate,
    PIXELFLOW_TLS_KEY_FILE: server.key,
    PIXELFLOW_TLS_CLIENT_CA_FILE: authority.certificate,
  }
}

function jsonOf(kept: CertificateFolder) {
  const one = ({ issueReason, notAfter, ...rest }: EnsuredCertificate) => ({
    ...rest,
    notAfter: notAfter.toISOString(),
    issueReason: issueReason ?? null,
  })
  return {
    folder: kept.folder,
    authority: one(kept.authority),
    server: one(kept.server),
    clients: kept.clients.map(one),
    settings: settingsOf(kept),
  }
}

function linesOf(kept: CertificateFolder, { config, cwd }: Context): string[] {
  const { authority, server, clients } = kept
  const style = styleOf(process.stdout, config.useColor)
  const short = (path: string) => {
    const near = relative(cwd, path)
    return quoted(near.startsWith('..') ? path : near)
  }
  const row = (what: string, { certificate, notAfter, issueReason }: EnsuredCertificate) =>
    `${issueReason === undefined ? style.dim('kept  ') : style.green('issued')}  ${short(certificate)}  ${what}; ` +
    `expires ${notAfter.toISOString().slice(0, 10)}.` +
    (issueReason === undefined ? '' : style.dim(` ${reasonTexts[issueReason]}`))
  const [first] = clients
  const identity = first && { cert: short(first.certificate), key: short(first.key) }
  const settings = Object.entries(settingsOf(kept)).map(([name, path]) => `${name}=${short(path)}`)
  const call = (program: string, dashes: string, rest: string) =>
    `  ${program} ${dashes}cacert ${short(authority.certificate)}` +
    (identity ? ` ${dashes}cert ${identity.cert} ${dashes}key ${identity.key}` : '') +
    ` ${rest}`
  return [
    row('authority', authority),
    row(`gateway at ${server.hosts.join(', ')}`, server),
    ...clients.map((one) => row(`client of account ${one.account}`, one)),
    '',
    'Start the gateway with these settings. Without the last one, clients do not need a certificate:',
    ...settings.map((line) => `  ${line} \\`),
    '  ./pixelflow up',
    '',
    'Call the running gateway:',
    `  ./pixelflow tasks --server https://localhost:${config.httpPort} --ca ${short(authority.certificate)}` +
      (identity ? ` --cert ${identity.cert} --key ${identity.key}` : ''),
    call('curl', '--', `https://localhost:${config.httpPort}/api/v1/tasks`),
    call('grpcurl', '-', `localhost:${config.grpcPort} list`),
  ]
}

const reasonTexts: Readonly<Record<IssueReason, string>> = {
  missing: 'There was no certificate.',
  invalid_key_pair: 'The old certificate and key were not a valid pair.',
  authority_changed: 'The old certificate is from another authority.',
  expires_soon: 'The old certificate expires too soon.',
  renewal_requested: 'You requested it with --renew.',
  hosts_changed: 'The old certificate does not contain all hosts.',
  account_changed: 'The old certificate is for another account.',
}

/** Quotes a path for a shell if necessary. */
function quoted(path: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
