/** Why the curves bend, by their name. Read them again when new results are committed. */
export const bends: Readonly<Record<string, string>> = {
  actors:
    'Each actor keeps as many workers busy as there are cores. On one machine a further actor adds no cores, so it brings memory and no rate; it is meant for further machines. Rates of single runs differ by up to a fifth.',
  gateways:
    'Further gateways on the same cores share the work of calls, and each of them follows the whole event log, which costs the same again for each.',
  followers:
    'A delivery costs one write of a socket. With few followers the time is that of the event log; with many, an event waits for the writes of those before it.',
  'read-model':
    'A get is one look into an index, and a page is 50 neighbours in it. With more tasks fewer pages of the database stay in memory.',
  objects:
    'Small files cost the fixed work of a call: the record, the check of the first bytes, the answer. From some megabytes on the loopback, the SHA-256 and the broker bound the rate; beyond two gigabytes of unwritten data the kernel slows the broker to the speed of the disk. A download of more than 4 MiB waits in a file until all of it is there, because Bun 1.4.5 sends the length of complete bodies only, and the gateway reads that file again.',
}
