import { isIPv4 } from 'node:net'
import { Fault } from '@pixelflow/core/fault'

/**
 * Whether the address is one that only this machine reaches: `localhost`, a name under it, 127.0.0.0/8 or ::1, as
 * written in a Host header or a setting.
 */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return /^(?:.+\.)?localhost$/.test(name) || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** The host name in a Host header, its port cut off; undefined when it is none. */
export function hostnameOf(host: string | null): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::\d{1,5})?$/i.exec(host ?? '')?.[1]
}

/**
 * The host names of an authority. There are several where a gRPC client in C++, Python, Ruby or PHP has a list of
 * addresses: `127.0.0.1:50051,127.0.0.1:50061`. Undefined when one of them is none.
 */
export function hostnamesOf(authority: string | null): readonly string[] | undefined {
  const names = (authority ?? '').split(',').map(hostnameOf)
  return names.every((name) => name !== undefined) ? names : undefined
}

/** What proxies add to the calls that they hand on; each may come from anywhere. */
const proxyHeader =
  /^(?:forwarded|via|x-forwarded(?:-.+)?|x-original-(?:for|host|forwarded-for)|x-(?:real|client|cluster-client)-ip|true-client-ip|cf-connecting-ip|x-envoy-external-address)$/

/** Origins whose pages may call as well, in lower case; every page is none of them. */
type AllowedOrigins = ReadonlySet<string>

/**
 * Lets an unauthenticated call pass only when it was meant for this machine and comes from a program or from our own
 * page. Loopback alone is no border: a foreign page can send requests to it, and a rebound name can read the answers.
 * @throws Fault `forbidden`.
 */
export function requireOwnOrigin(headers: Headers, pages: AllowedOrigins = new Set()): void {
  if (hostnamesOf(headers.get('host'))?.every(isLoopback) !== true) {
    throw new Fault('forbidden', 'Without tokens this server answers calls to a loopback address only.', {
      field: 'Host',
      remedy: 'Call it as localhost or 127.0.0.1, or configure PIXELFLOW_API_TOKENS.',
    })
  }
  // A proxy on this machine may hand on calls from anywhere, under a Host of its choice.
  for (const name of headers.keys()) if (proxyHeader.test(name)) throw proxied(name)
  requireOwnPage(headers, pages, ['http', 'https'])
}

/**
 * Lets a call pass when it comes from a program, from one of the pages, or from our own page under one of the schemes.
 * @throws Fault `forbidden`.
 */
export function requireOwnPage(
  headers: Headers,
  pages: AllowedOrigins = new Set(),
  schemes: readonly string[] = ['https'],
): void {
  const origin = headers.get('origin')
  if (origin !== null && pages.has(origin.toLowerCase())) return
  const host = headers.get('host') ?? ''
  const own = schemes.map((scheme) => `${scheme}://${host}`.toLowerCase())
  if (origin !== null && !own.includes(origin.toLowerCase())) throw foreign('Origin')
  // Older than Origin on GET: browsers name who caused the request. `none` is a person typing the address.
  const site = headers.get('sec-fetch-site')
  if (site !== null && site !== 'same-origin' && site !== 'none' && !isNavigation(headers)) {
    throw foreign('Sec-Fetch-Site')
  }
}

/** A link that was followed: the whole page becomes ours, and whoever linked to it cannot read it. */
function isNavigation(headers: Headers): boolean {
  return headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document'
}

function proxied(field: string): Fault {
  return new Fault(
    'forbidden',
    `Without tokens this server answers no call that a proxy hands on (${field}).`,
    {
      field,
      remedy:
        'Configure PIXELFLOW_API_TOKENS and have the proxy pass Authorization on, or call without the proxy.',
    },
  )
}

function foreign(field: string): Fault {
  return new Fault('forbidden', 'Pages of another origin may not call this server.', {
    field,
    remedy: 'Open the page this server offers, or name the origin in PIXELFLOW_CORS_ORIGINS.',
  })
}
