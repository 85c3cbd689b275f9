import { blobsContract } from '@pixelflow/testkit/contracts/blobs'
import { connect } from './connect.ts'
import { openFixture, quiet } from './fixture.ts'
import { streamInfo } from './jetstream.ts'

blobsContract('nats', async () => {
  await using stack = new AsyncDisposableStack()
  const { fabric, settings } = stack.use(await openFixture())
  const broker = stack.use(await connect({ settings, name: 'test', log: quiet }))
  const owned = stack.move()
  return {
    blobs: fabric.sources,
    pieces: async () => (await streamInfo(broker, 'OBJ_sources')).state.messages,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
})
