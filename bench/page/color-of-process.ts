/**
 * The processes of all pictures in their order, each with its colour. The colours are told apart by people who see few colours, on a
 * white and on a dark ground.
 */
const processColors: Readonly<Record<string, string>> = {
  gateway: '#0072b2',
  actor: '#e69f00',
  workers: '#009e73',
  'nats-server': '#cc79a7',
  server: '#56b4e9',
  worker: '#d55e00',
  'redis-server': '#999933',
  up: '#7a6ff0',
  client: '#999999',
}

const otherColor = '#b07050'

/** The colour of a process, which is the same in every picture. */
export function colorOfProcess(name: string): string {
  return processColors[name] ?? otherColor
}

/** Names of processes, each once, in the order of all pictures: the client is the last. */
export function orderProcesses(names: Iterable<string>): string[] {
  const order = Object.keys(processColors)
  const placeOf = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length - 1.5)
  return [...new Set(names)].toSorted((a, b) => placeOf(a) - placeOf(b))
}
