import { isIPv4 } from 'node:net'
import { Fault } from '@pixelflow/core/fault'
import type { RequestField } from '../request-field.ts'

/**
 * Whether only this machine can reach the address: `localhost`, a name under it, 127.0.0.0/8 or ::1, as written in a
 * Host header or a setting.
 */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return /^(?:.+\.)?localhost$/.test(name) || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** The host name of a Host header, without the port; undefined when the header is invalid. */
export function hostnameOf(host: string | null): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::\d{1,5})?$/i.exec(host ?? '')?.[1]
}

/**
 * The host names of an authority; undefined when one of them is invalid. gRPC clients in C++, Python, Ruby and PHP that
 * have a list of addresses send all of them: `127.0.0.1:50051,127.0.0.1:50061`.
 */
export function hostnamesOf(authority: string | null): readonly string[] | undefined {
  const names = (authority ?? '').split(',').map(hostnameOf)
  return names.every((name) => name !== undefined) ? names : undefined
}

/** Headers that proxies add to forwarded requests. A forwarded request may come from any machine. */
const proxyHeader =
  /^(?:forwarded|via|x-forwarded(?:-.+)?|x-original-(?:for|host|forwarded-for)|x-(?:real|client|cluster-client)-ip|true-client-ip|cf-connecting-ip|x-envoy-external-address)$/

/** Origins whose pages may call, in lower case. `*` has no meaning here. */
type AllowedOrigins = ReadonlySet<string>

/**
 * Accepts an unauthenticated call only if it is addressed to this machine and comes from a program or from our own page.
 * A loopback address alone protects nothing: pages of other origins can send requests to it, and with DNS rebinding they
 * can read the responses.
 * @throws Fault `forbidden`.
 */
export function requireLocalOrigin(headers: Headers, allowedOrigins: AllowedOrigins = new Set()): void {
  if (hostnamesOf(headers.get('host'))?.every(isLoopback) !== true) {
    throw new Fault('forbidden', 'Without tokens this server answers only calls to a loopback address.', {
      field: '@host' satisfies RequestField,
      remedy: 'Call localhost or 127.0.0.1, or configure PIXELFLOW_API_TOKENS.',
    })
  }
  // A proxy on this machine may forward calls from any machine, with a Host of its choice.
  for (const name of headers.keys()) if (proxyHeader.test(name)) throw forwarded(name)
  requireSameOrigin(headers, allowedOrigins, ['http', 'https'])
}

/**
 * Accepts a call from a program, from a page of an allowed origin, or from our own page under one of the schemes.
 * @throws Fault `forbidden`.
 */
export function requireSameOrigin(
  headers: Headers,
  allowedOrigins: AllowedOrigins = new Set(),
  schemes: readonly string[] = ['https'],
): void {
  const origin = headers.get('origin')
  if (origin !== null && allowedOrigins.has(origin.toLowerCase())) return
  const host = headers.get('host') ?? ''
  const own = schemes.map((scheme) => `${scheme}://${host}`.toLowerCase())
  if (origin !== null && !own.includes(origin.toLowerCase())) throw crossOrigin('@origin')
  // Browsers send no Origin with a GET of the same origin, but Sec-Fetch-Site. `none` is an address typed by the user.
  const site = headers.get('sec-fetch-site')
  if (site !== null && site !== 'same-origin' && site !== 'none' && !isNavigation(headers)) {
    throw crossOrigin('@fetch_site')
  }
}

/** A followed link replaces the whole page with ours, and the linking page cannot read the response. */
function isNavigation(headers: Headers): boolean {
  return headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document'
}

function forwarded(field: string): Fault {
  return new Fault(
    'forbidden',
    `Without tokens this server refuses calls that a proxy forwards (${field}).`,
    {
      field,
      remedy:
        'Configure PIXELFLOW_API_TOKENS and let the proxy forward Authorization, or call without the proxy.',
    },
  )
}

function crossOrigin(field: RequestField): Fault {
  return new Fault('forbidden', 'The call comes from a page of another origin.', {
    field,
    remedy: 'Open the page of this server, or add the origin to PIXELFLOW_CORS_ORIGINS.',
  })
}
