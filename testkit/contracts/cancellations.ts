import { describe, expect, test } from 'bun:test'
import type { Channel } from '@pixelflow/core/ports/cancellations'

export interface ChannelUnderTest extends AsyncDisposable {
  readonly channel: Channel
  /** Another process's end. */
  readonly elsewhere: Channel
}

/** What every adapter of `Channel` has to hold. Registers the tests. */
export function channelContract(name: string, open: () => Promise<ChannelUnderTest>): void {
  describe(`${name}: channel contract`, () => {
    test('a cancellation is heard by all who listen, until they stop', async () => {
      await using under = await open()
      const heard: string[] = []
      const stops = [under.channel, under.elsewhere].map((channel, i) =>
        channel.onCancel((account, task) => heard.push(`${i} ${account} ${task}`)),
      )
      await Bun.sleep(50)
      await under.channel.cancel('local', 't1')
      await Bun.sleep(100)
      expect(heard.toSorted()).toEqual(['0 local t1', '1 local t1'])
      for (const stop of stops) stop()
      await under.channel.cancel('local', 't2')
      await Bun.sleep(100)
      expect(heard).toHaveLength(2)
    })

    test('nobody has to listen', async () => {
      await using under = await open()
      await under.channel.cancel('local', 't1')
    })
  })
}
