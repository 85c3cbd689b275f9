import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { Client as Channel, credentials, type ChannelOptions } from '@grpc/grpc-js'
import config from '@pixelflow/proto/service-config.json'
import { parseHost, toChannelTarget } from './channel-target.ts'

/** Certificates of a channel, in PEM. */
export interface Tls {
  /** Trusted certificate authorities; default: those of the system. */
  readonly ca?: string | Uint8Array | undefined
  /** Client certificate and its key, for servers that require mutual TLS. */
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  /** Server name to verify in the certificates; default: the hosts of the addresses. */
  readonly serverName?: string | undefined
}

export interface OpenChannelOptions {
  readonly addresses: readonly string[]
  /** `true` trusts the certificate authorities of the system; default: no encryption. */
  readonly tls?: Tls | boolean | undefined
  /** Options of grpc-js that override the defaults of this client. */
  readonly options?: ChannelOptions | undefined
}

const mib = 1024 * 1024

const defaultOptions: ChannelOptions = {
  'grpc.max_receive_message_length': 16 * mib,
  // Window of each stream and connection. The HTTP/2 default limits throughput to 64 KiB per round trip.
  'grpc-node.flow_control_window': 4 * mib,
  // Keepalive detects connections that are lost without a FIN or RST.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // The retry policy is defined here, not by a DNS record.
  'grpc.service_config_disable_resolution': 1,
  // Reconnects soon after a gateway restarts, even if the restart takes long.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5000,
}

/** Opens a channel that balances calls over every address and retries them according to the service config. */
export function openChannel(options: OpenChannelOptions): Channel {
  return open(options, { 'grpc.service_config': JSON.stringify(config) })
}

/**
 * Opens a channel for one large upload. On Bun, an upload whose window is full blocks every other call on its connection.
 * Retries are disabled, because a channel with retries buffers the messages it has sent.
 */
export function openUploadChannel(options: OpenChannelOptions): Channel {
  return open(options, {
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }],
    }),
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  })
}

function open({ addresses, tls, options }: OpenChannelOptions, channelOptions: ChannelOptions): Channel {
  const target = toChannelTarget(addresses)
  if (tls === undefined || tls === false) {
    return new Channel(target, credentials.createInsecure(), {
      ...defaultOptions,
      ...channelOptions,
      ...options,
    })
  }
  const { ca, cert, key, serverName } = tls === true ? {} : tls
  const names = serverName === undefined ? addresses.map((address) => parseHost(address)) : [serverName]
  const tlsCredentials = credentials.createSsl(toPem(ca), toPem(key), toPem(cert), {
    checkServerIdentity: (_, certificate) => checkIdentity(names, certificate),
  })
  return new Channel(target, tlsCredentials, {
    ...defaultOptions,
    'grpc.ssl_target_name_override': chooseSniName(names),
    ...channelOptions,
    ...options,
  })
}

/** Verifies that a certificate matches one of the names: each server of a list may have its own certificate. */
function checkIdentity(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  const errors = names.map((name) => checkServerIdentity(name, certificate))
  return errors.includes(undefined) ? undefined : errors[0]
}

/** Returns the name for the TLS extension SNI, which must not be an IP address. */
function chooseSniName(names: readonly string[]): string {
  return names.find((name) => isIP(name) === 0) ?? 'localhost'
}

function toPem(text: string | Uint8Array | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text)
}
