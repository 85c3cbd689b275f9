import { expect } from 'bun:test'
import { Auth } from '@pixelflow/proto/pixelflow/v1/image_pb'
import {
  calls,
  chunks,
  commit,
  digestOf,
  metadata,
  only,
  refused,
  unusedId,
  whole,
  type Scenario,
} from './bench.ts'
import { call } from './grpcurl.ts'

/** Version, operations, uploads, images. */
export const imageScenarios: Readonly<Record<string, Scenario>> = {
  async version({ publicCaller, untrusted }) {
    const answer = only(await call(publicCaller, calls.getVersion, {}))
    const auth = untrusted ? Auth.CERTIFICATE : Auth.TOKEN
    expect(answer).toMatchObject({ version: expect.stringMatching(/./), auth })
    expect(answer.formats).toContain('jpeg')
    expect(answer.maxUploadBytes).toBeGreaterThan(0n)
  },
  async operations({ ann }) {
    const { operations, recipe } = only(await call(ann, calls.listOperations, {}))
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
    const answer = await call(ann, calls.listTasks, {}, { headers, verbose: true })
    const [, initial = ''] = answer.text.split('Response headers received:')
    expect(initial.split('Response contents:')[0]).toContain(`x-request-id: ${headers['x-request-id']}`)
    const failed = await call(ann, calls.getTask, { id: unusedId() }, { headers, verbose: true })
    refused(failed, 'NOT_FOUND', 'task_not_found')
    expect(failed.requestId).toBe(headers['x-request-id'])
    const [, trailers = ''] = failed.text.split('Response trailers received:')
    expect(trailers).toContain(`x-request-id: ${headers['x-request-id']}`)
  },
  async upload({ upload, photo }) {
    const bytes = BigInt(photo.length)
    const image = only(await upload(metadata('image/jpeg', bytes), ...chunks(photo), commit(photo)))
    const sha256 = digestOf(photo)
    expect(image).toMatchObject({ bytes, sha256, format: 'jpeg', width: 640, height: 480 })
  },
  async 'upload-truncated'({ upload, photo }) {
    refused(await upload(metadata(), ...chunks(photo)), 'DATA_LOSS', 'truncated_upload')
  },
  async 'upload-short'({ upload, photo }) {
    const more = commit(photo, { bytes: BigInt(photo.length + 1) })
    refused(await upload(metadata(), ...chunks(photo), more), 'DATA_LOSS', 'truncated_upload')
  },
  async 'upload-long'({ upload, photo }) {
    const fewer = commit(photo, { bytes: BigInt(photo.length - 1) })
    const ending = await upload(metadata(), ...chunks(photo), fewer)
    refused(ending, 'INVALID_ARGUMENT', 'invalid_request', 'commit.bytes')
  },
  async 'upload-wrong-digest'({ upload, photo }) {
    const wrong = commit(photo, { sha256: digestOf(new TextEncoder().encode('something else')) })
    const ending = await upload(metadata(), ...chunks(photo), wrong)
    refused(ending, 'INVALID_ARGUMENT', 'invalid_request', 'commit.sha256')
  },
  async 'upload-without-metadata'({ upload, photo }) {
    const ending = await upload(...chunks(photo), commit(photo))
    refused(ending, 'INVALID_ARGUMENT', 'invalid_request', 'metadata')
  },
  async 'upload-media-type'({ upload, photo }) {
    const ending = await upload(metadata('text/plain'), ...chunks(photo), commit(photo))
    refused(ending, 'INVALID_ARGUMENT', 'unsupported_format', 'metadata.media_type')
  },
  async 'upload-no-image'({ upload }) {
    const letter = new TextEncoder().encode('This is a letter. '.repeat(10_000))
    refused(await upload(...whole(letter)), 'INVALID_ARGUMENT', 'unsupported_format')
  },
  async 'upload-too-large-said'({ publicCaller, upload }) {
    const { maxUploadBytes } = only(await call(publicCaller, calls.getVersion, {}))
    const ending = await upload(metadata('image/jpeg', maxUploadBytes + 1n))
    refused(ending, 'RESOURCE_EXHAUSTED', 'image_too_large')
  },
  async 'get-image'({ ann, image }) {
    const { id, sha256 } = await image()
    const answer = only(await call(ann, calls.getImage, { id }))
    expect(answer.image).toMatchObject({ id, sha256, width: 640 })
  },
  async 'delete-image'({ ann, upload, photo }) {
    const { id } = only(await upload(...whole(photo)))
    only(await call(ann, calls.deleteImage, { id }))
    refused(await call(ann, calls.getImage, { id }), 'NOT_FOUND', 'image_not_found')
  },
}
