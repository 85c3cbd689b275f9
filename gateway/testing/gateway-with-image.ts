import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway, type TestGateway, type TestGatewayOptions } from './test-gateway.ts'

/** A gateway that stores one image. */
export interface GatewayWithImage extends AsyncDisposable {
  readonly gateway: TestGateway
  /** A JPEG of 320 × 200 pixels. */
  readonly photo: Uint8Array<ArrayBuffer>
  /** Id of the stored photo. */
  readonly image: string
}

export async function openGatewayWithImage(options?: TestGatewayOptions): Promise<GatewayWithImage> {
  await using stack = new AsyncDisposableStack()
  const gateway = stack.use(await openTestGateway(options))
  const photo = new Uint8Array(await sampleImage({ width: 320, height: 200 }))
  const { id: image } = await gateway.image(photo)
  const owned = stack.move()
  return { gateway, photo, image, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
