import { Client as Channel, credentials, type ChannelOptions } from '@grpc/grpc-js'
import config from '@pixelflow/proto/service-config.json'
import { targetOf } from './addresses.ts'

/** Certificates of a channel, in PEM. */
export interface Tls {
  /** Who may sign the servers' certificates; what the system trusts unless given. */
  readonly ca?: string | Uint8Array | undefined
  /** Our own certificate and its key, where servers want to know who calls. */
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  /** What the servers are called in their certificates; the first address's name unless given. */
  readonly serverName?: string | undefined
}

export interface ChannelNeeds {
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
  // A gateway that is back is found soon, whatever its restart took.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5000,
}

/** A channel whose calls go round over every address, and that makes calls again as the service config has it. */
export function openChannel(needs: ChannelNeeds): Channel {
  return open(needs, { 'grpc.service_config': JSON.stringify(config) })
}

/**
 * A channel for one large upload. On Bun an upload whose window is full holds up every other call of its connection;
 * and a channel that might make calls again would keep what it has sent.
 */
export function openUploadChannel(needs: ChannelNeeds): Channel {
  return open(needs, {
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }],
    }),
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  })
}

function open({ addresses, tls, options }: ChannelNeeds, own: ChannelOptions): Channel {
  const { ca, cert, key, serverName } = typeof tls === 'object' ? tls : {}
  const secured =
    tls === undefined || tls === false
      ? credentials.createInsecure()
      : credentials.createSsl(pem(ca), pem(key), pem(cert))
  return new Channel(targetOf(addresses), secured, {
    ...usual,
    ...(serverName === undefined
      ? {}
      : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
    ...own,
    ...options,
  })
}

function pem(text: string | Uint8Array | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text)
}
