import { connectTo, type BrokerAddress } from './connect-to.ts'

/** Messages and bytes between one client and the broker, as the broker counts them. */
export interface Traffic {
  readonly messagesIn: number
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** One connection in an answer of `$SYS.REQ.ACCOUNT.PING.CONNZ`. */
interface ConnectionRow {
  readonly name?: string
  readonly in_msgs: number
  readonly out_msgs: number
  readonly in_bytes: number
  readonly out_bytes: number
}

const ownName = 'bench-statistics'

/** Reads the traffic of each connection of an account. */
export interface TrafficReader extends AsyncDisposable {
  /** Traffic since the start of the connections, by process: the connections of a process have a common prefix. */
  read(): Promise<Record<string, Traffic>>
}

export async function openTrafficReader(broker: BrokerAddress): Promise<TrafficReader> {
  const connection = await connectTo(broker, ownName)
  return {
    async read() {
      const answer = await connection.request('$SYS.REQ.ACCOUNT.PING.CONNZ', '{}', { timeout: 5000 })
      return sumTraffic(answer.json<{ data: { connections?: ConnectionRow[] } }>().data.connections ?? [])
    },
    [Symbol.asyncDispose]: () => connection.close(),
  }
}

/** Sums the connections of each process: `gateway-bytes` belongs to `gateway`. */
export function sumTraffic(rows: readonly ConnectionRow[]): Record<string, Traffic> {
  const sums: Record<string, Traffic> = {}
  for (const row of rows) {
    const name = row.name?.split('-', 1)[0] ?? 'other'
    if (row.name === ownName) continue
    sums[name] = addTraffic(sums[name] ?? noTraffic, {
      messagesIn: row.in_msgs,
      messagesOut: row.out_msgs,
      bytesIn: row.in_bytes,
      bytesOut: row.out_bytes,
    })
  }
  return sums
}

/** The traffic between two readings, divided by `by`, such as the number of tasks. */
export function trafficBetween(
  before: Readonly<Record<string, Traffic>>,
  after: Readonly<Record<string, Traffic>>,
  by: number,
): Record<string, Traffic> {
  return Object.fromEntries(
    Object.entries(after).map(([name, end]) => [
      name,
      mapTraffic(end, (value, field) => (value - (before[name] ?? noTraffic)[field]) / by),
    ]),
  )
}

const noTraffic: Traffic = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 }

function addTraffic(one: Traffic, other: Traffic): Traffic {
  return mapTraffic(one, (value, field) => value + other[field])
}

function mapTraffic(traffic: Traffic, change: (value: number, field: keyof Traffic) => number): Traffic {
  const { messagesIn, messagesOut, bytesIn, bytesOut } = traffic
  return {
    messagesIn: change(messagesIn, 'messagesIn'),
    messagesOut: change(messagesOut, 'messagesOut'),
    bytesIn: change(bytesIn, 'bytesIn'),
    bytesOut: change(bytesOut, 'bytesOut'),
  }
}
