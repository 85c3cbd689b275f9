import { describe, expect, test } from 'bun:test'
import type { FaultCode } from '@pixelflow/core/fault'
import { followToEnd } from '../client.ts'
import { filePart, formPart, postForm, recipePart } from './form-parts.ts'
import { expectProblem, latin1, contentLength, send } from './http-request.ts'
import { target, imageFile } from './shared-target.ts'

export function testForms(): void {
  describe('forms', () => {
    test('that are cut off are refused and leave nothing behind', async () => {
      const before = await target.broker.messages()
      const whole = `${filePart(latin1(imageFile))}${recipePart('resize:9')}--XX--\r\n`
      const ends = whole.length - latin1(imageFile).length
      for (let i = 1; i <= 40; i++) {
        // Mostly inside the part headers, before and after the file.
        const at =
          i <= 20 ? Math.floor((i * 120) / 20) : whole.length - 4 - Math.floor(((i - 21) * (ends - 110)) / 20)
        const answer = await postForm(whole.slice(0, at))
        expect([at, ['truncated_upload', 'invalid_request'].includes(expectProblem(answer))]).toEqual([
          at,
          true,
        ])
      }
      await target.expectNothingLeft(before)
    }, 30_000)

    test('that are malformed, too large or incomplete are refused', async () => {
      const before = await target.broker.messages()
      const file = filePart(latin1(imageFile))
      const recipe = recipePart('resize:9')
      const end = '--XX--\r\n'
      const forms: [string, string, FaultCode][] = [
        ['nothing', '', 'truncated_upload'],
        ['no parts', end, 'invalid_request'],
        ['no file', recipe + end, 'invalid_request'],
        ['no recipe', file + end, 'invalid_request'],
        ['two files', file + recipe + file + end, 'invalid_request'],
        ['two recipes', recipe + recipe + file + end, 'invalid_request'],
        ['a wrong recipe behind the file', file + recipePart('explode') + end, 'invalid_recipe'],
        ['a recipe of broken JSON', file + recipePart('{"steps":[') + end, 'invalid_recipe'],
        ['an empty file', filePart('') + recipe + end, 'invalid_request'],
        [
          'a file of text',
          filePart('hello, this is a text and not an image at all'.repeat(3)) + recipe + end,
          'unsupported_format',
        ],
        [
          'an unknown part',
          formPart('Content-Disposition: form-data; name="__proto__"', 'x') + end,
          'invalid_request',
        ],
        ['a part without a name', formPart('Content-Disposition: form-data', 'x') + end, 'invalid_request'],
        ['a part without a head', formPart('', 'x') + end, 'invalid_request'],
        [
          'a bad charset',
          formPart(
            'Content-Disposition: form-data; name="recipe"\nContent-Type: text/plain; charset=bogus',
            'x',
          ) + end,
          'invalid_request',
        ],
        [
          'an unclosed file name',
          formPart('Content-Disposition: form-data; name="file"; filename="x', 'x') + end,
          'invalid_request',
        ],
        [
          'a huge head',
          formPart(`Content-Disposition: form-data; name="file"\nX: ${'y'.repeat(2_000_000)}`, 'x') + end,
          'invalid_request',
        ],
        [
          'many heads',
          formPart(`Content-Disposition: form-data; name="file"${'\nX: y'.repeat(50_000)}`, 'x') + end,
          'invalid_request',
        ],
        ['thousands of parts', recipePart('').repeat(5000) + end, 'invalid_request'],
        [
          'thousands of parts that are files',
          formPart('Content-Disposition: form-data; name="f"; filename="f"', '').repeat(5000) + end,
          'invalid_request',
        ],
        ['a huge recipe', recipePart('resize:9/'.repeat(200_000)) + end, 'invalid_request'],
        ['only a preamble', 'z'.repeat(3_000_000), 'invalid_request'],
      ]
      for (const [what, body, code] of forms) {
        const answer = await postForm(body)
        expect([what, expectProblem(answer)]).toEqual([what, code])
      }
      for (const type of [
        'multipart/form-data',
        'multipart/form-data; boundary=',
        `multipart/form-data; boundary=${'b'.repeat(4000)}`,
        'multipart/form-data; boundary=\xff\xfe',
        'multipart/form-data; boundary="',
        'multipart/mixed; boundary=XX',
      ]) {
        const answer = await send(
          'POST',
          '/api/v1/tasks',
          [`Content-Type: ${type}`, contentLength(file)],
          file,
        )
        expect(['invalid_request', 'truncated_upload', 'unsupported_format']).toContain(expectProblem(answer))
      }
      await target.expectNothingLeft(before)
    }, 30_000)

    test('a file name in a form does not appear in response headers', async () => {
      const name = '../../etc/a%0d%0aX-Evil: 1;<script>'
      const body = `${recipePart('resize:9')}${formPart(`Content-Disposition: form-data; name="file"; filename="${name}"`, latin1(imageFile))}--XX--\r\n`
      const answer = await postForm(body)
      expect([answer.status, answer.body]).toEqual([202, answer.body])
      const { id } = JSON.parse(answer.body) as { id: string }
      await followToEnd(() => target.api, id)
      const { head } = await send('GET', `/api/v1/tasks/${id}/outputs/default?download=1`)
      expect(head).toContain(`filename="${id}.jpg"`)
      expect(head).not.toContain('x-evil')
    }, 20_000)
  })
}
