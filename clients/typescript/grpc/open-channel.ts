import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { Client as Channel, credentials, type ChannelOptions } from '@grpc/grpc-js'
import config from '@pixelflow/proto/service-config.json'
import { hostOfAddress, channelTarget } from './channel-target.ts'

/** Certificates of a channel, in PEM. */
export interface Tls {
  /** Who may sign the servers' certificates; what the system trusts unless given. */
  readonly ca?: string | Uint8Array | undefined
  /** Our own certificate and its key, where servers want to know who calls. */
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  /** What the servers are called in their certificates; unless given, each must be called as one of the addresses. */
  readonly serverName?: string | undefined
}

export interface OpenChannelOptions {
  readonly addresses: readonly string[]
  /** `true` trusts what the system trusts; without it nothing is encrypted. */
  readonly tls?: Tls | boolean | undefined
  /** Options of grpc-js that come before ours. */
  readonly options?: ChannelOptions | undefined
}

const mib = 1024 * 1024

const usual: ChannelOptions = {
  'grpc.max_receive_message_length': 16 * mib,
  // Bytes that may be under way, on a stream and on its connection; 64 KiB would let through so much a round trip.
  'grpc-node.flow_control_window': 4 * mib,
  // A connection whose other end is gone says nothing: ask.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // The retry policy is defined here, not by a DNS record.
  'grpc.service_config_disable_resolution': 1,
  // A gateway that is back is found soon, whatever its restart took.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5000,
}

/** A channel whose calls go round over every address, and that makes calls again as the service config has it. */
export function openChannel(needs: OpenChannelOptions): Channel {
  return open(needs, { 'grpc.service_config': JSON.stringify(config) })
}

/**
 * A channel for one large upload. On Bun an upload whose window is full holds up every other call of its connection;
 * and a channel that might make calls again would keep what it has sent.
 */
export function openUploadChannel(needs: OpenChannelOptions): Channel {
  return open(needs, {
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }],
    }),
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  })
}

function open({ addresses, tls, options }: OpenChannelOptions, own: ChannelOptions): Channel {
  const target = channelTarget(addresses)
  if (tls === undefined || tls === false) {
    return new Channel(target, credentials.createInsecure(), { ...usual, ...own, ...options })
  }
  const { ca, cert, key, serverName } = tls === true ? {} : tls
  const names = serverName === undefined ? addresses.map((one) => hostOfAddress(one)) : [serverName]
  const secured = credentials.createSsl(pem(ca), pem(key), pem(cert), {
    checkServerIdentity: (_, shown) => identityOf(names, shown),
  })
  return new Channel(target, secured, {
    ...usual,
    'grpc.ssl_target_name_override': indicated(names),
    ...own,
    ...options,
  })
}

/** Every server of a list may have a certificate of its own: it must be good for one of the names. */
function identityOf(names: readonly string[], shown: PeerCertificate): Error | undefined {
  const troubles = names.map((name) => checkServerIdentity(name, shown))
  return troubles.includes(undefined) ? undefined : troubles[0]
}

/** The name that is told to the server before it shows its certificate: TLS allows no address there. */
function indicated(names: readonly string[]): string {
  return names.find((name) => isIP(name) === 0) ?? 'localhost'
}

function pem(text: string | Uint8Array | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text)
}
