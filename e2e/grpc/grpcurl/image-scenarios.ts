import { expect } from 'bun:test'
import { Auth } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sha256Of, expectResult, expectError, unusedId } from './expect-result.ts'
import { methods, type Scenario } from './scenario-context.ts'
import { chunkMessages, commitMessage, metadataMessage, createUpload } from './create-upload.ts'
import { callGrpcurl } from './call-grpcurl.ts'

/** Version, operations, uploads and images. */
export const imageScenarios: Readonly<Record<string, Scenario>> = {
  async version({ publicCaller, untrusted }) {
    const version = expectResult(await callGrpcurl(publicCaller, methods.getVersion, {}))
    const auth = untrusted ? Auth.CERTIFICATE : Auth.TOKEN
    expect(version).toMatchObject({ version: expect.stringMatching(/./), auth })
    expect(version.formats).toContain('jpeg')
    expect(version.maxUploadBytes).toBeGreaterThan(0n)
  },
  async operations({ ann }) {
    const { operations, recipe } = expectResult(await callGrpcurl(ann, methods.listOperations, {}))
    expect(operations.map(({ name }) => name)).toContain('resize')
    for (const one of operations) {
      expect(one.schema).toMatchObject({ type: 'object' })
      expect(one.text?.usage).toStartWith(one.name)
      expect(one.examples[0]?.text).toBeTruthy()
    }
    expect(recipe).toMatchObject({ properties: { steps: expect.anything() } })
  },
  async 'request-id'({ ann }) {
    const headers = { 'x-request-id': unusedId() }
    const answer = await callGrpcurl(ann, methods.listTasks, {}, { headers, verbose: true })
    const [, initial = ''] = answer.text.split('Response headers received:')
    expect(initial.split('Response contents:')[0]).toContain(`x-request-id: ${headers['x-request-id']}`)
    const failed = await callGrpcurl(ann, methods.getTask, { id: unusedId() }, { headers, verbose: true })
    expectError(failed, 'NOT_FOUND', 'TASK_NOT_FOUND')
    expect(failed.requestId).toBe(headers['x-request-id'])
    const [, trailers = ''] = failed.text.split('Response trailers received:')
    expect(trailers).toContain(`x-request-id: ${headers['x-request-id']}`)
  },
  async upload({ upload, photo }) {
    const bytes = BigInt(photo.length)
    const image = expectResult(
      await upload(metadataMessage('image/jpeg', bytes), ...chunkMessages(photo), commitMessage(photo)),
    )
    const sha256 = sha256Of(photo)
    expect(image).toMatchObject({ bytes, sha256, format: 'jpeg', width: 640, height: 480 })
  },
  async 'upload-truncated'({ upload, photo }) {
    expectError(await upload(metadataMessage(), ...chunkMessages(photo)), 'DATA_LOSS', 'TRUNCATED_UPLOAD')
  },
  async 'upload-short'({ upload, photo }) {
    const more = commitMessage(photo, { bytes: BigInt(photo.length + 1) })
    expectError(
      await upload(metadataMessage(), ...chunkMessages(photo), more),
      'DATA_LOSS',
      'TRUNCATED_UPLOAD',
    )
  },
  async 'upload-long'({ upload, photo }) {
    const fewer = commitMessage(photo, { bytes: BigInt(photo.length - 1) })
    const result = await upload(metadataMessage(), ...chunkMessages(photo), fewer)
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'commit.bytes')
  },
  async 'upload-wrong-digest'({ upload, photo }) {
    const wrong = commitMessage(photo, { sha256: sha256Of(new TextEncoder().encode('something else')) })
    const result = await upload(metadataMessage(), ...chunkMessages(photo), wrong)
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'commit.sha256')
  },
  async 'upload-without-metadata'({ upload, photo }) {
    const result = await upload(...chunkMessages(photo), commitMessage(photo))
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'metadata')
  },
  async 'upload-media-type'({ upload, photo }) {
    const result = await upload(metadataMessage('text/plain'), ...chunkMessages(photo), commitMessage(photo))
    expectError(result, 'INVALID_ARGUMENT', 'UNSUPPORTED_FORMAT', 'metadata.media_type')
  },
  async 'upload-not-an-image'({ upload }) {
    const prose = new TextEncoder().encode('This is a text. '.repeat(10_000))
    expectError(await upload(...createUpload(prose)), 'INVALID_ARGUMENT', 'UNSUPPORTED_FORMAT')
  },
  async 'upload-size-too-large'({ publicCaller, upload }) {
    const { maxUploadBytes } = expectResult(await callGrpcurl(publicCaller, methods.getVersion, {}))
    const result = await upload(metadataMessage('image/jpeg', maxUploadBytes + 1n))
    expectError(result, 'RESOURCE_EXHAUSTED', 'IMAGE_TOO_LARGE')
  },
  async 'get-image'({ ann, image }) {
    const { id, sha256 } = await image()
    const answer = expectResult(await callGrpcurl(ann, methods.getImage, { id }))
    expect(answer.image).toMatchObject({ id, sha256, width: 640 })
  },
  async 'delete-image'({ ann, upload, photo }) {
    const { id } = expectResult(await upload(...createUpload(photo)))
    expectResult(await callGrpcurl(ann, methods.deleteImage, { id }))
    expectError(await callGrpcurl(ann, methods.getImage, { id }), 'NOT_FOUND', 'IMAGE_NOT_FOUND')
  },
}
