import { describe, expect, test } from 'bun:test'
import { codeOf, target, image, length, said } from './attack.ts'

export function recipes(): void {
  describe('recipes', () => {
    const steps = (count: number) => Array.from({ length: count }, () => '{"op":"flip"}').join()
    test.each([
      'null',
      '1',
      '[]',
      '{}',
      '"/"',
      '"explode"',
      '"__proto__"',
      '"constructor:1"',
      '"resize:__proto__=1"',
      '"resize:%00"',
      '"resize:%ff"',
      '"resize:%"',
      '"resize:1e309"',
      '"resize:-1"',
      '"resize:99999999"',
      '"blur:NaN"',
      '"blur:Infinity"',
      '"\\ud800"',
      '"crop:left=0:top=0:width=0:height=0"',
      '{"steps":[null]}',
      '{"steps":{"length":1e9}}',
      '{"steps":[{"op":{}}]}',
      '{"steps":[{"op":"toString"}]}',
      '{"steps":[{"op":"resize","width":1e309}]}',
      '{"steps":[{"op":"resize","width":5,"__proto__":{}}]}',
      '{"steps":[{"op":"resize","width":5,"wdith":5}]}',
      '{"steps":[],"__proto__":{}}',
      '{"steps":[],"outputs":{"a":{"steps":[]},"__proto__":{"steps":[]}}}',
      '{"steps":[],"outputs":{"../a":{"steps":[]}}}',
      '{"steps":[],"outputs":{"a.b>*":{"steps":[]}}}',
      `{"steps":[${steps(33)}]}`,
      `{"steps":[${steps(50_000)}]}`,
      `"${'flip/'.repeat(40_000)}flip"`,
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      `{"steps":${'{"steps":'.repeat(50_000)}1${'}'.repeat(50_001)}`,
      `{"steps":[],"outputs":{${Array.from({ length: 5000 }, (_, i) => `"o${i}":{"steps":[]}`).join()}}}`,
      `"${'x'.repeat(1_100_000)}"`,
    ])(
      '%#: %.60s',
      async (recipe) => {
        const before = await target.broker.messages()
        const body = `{"image":"${image}","recipe":${recipe}}`
        const answer = await said(
          'POST',
          '/api/v1/tasks',
          ['Content-Type: application/json', length(body)],
          body,
        )
        expect(['invalid_recipe', 'invalid_request']).toContain(codeOf(answer))
        await target.nothingLeft(before, ['EVENTS', 'JOBS'])
      },
      20_000,
    )

    test('bodies that are no JSON, or not UTF-8', async () => {
      for (const body of [
        '',
        '{',
        '\xff\xfe{}',
        'NaN',
        `{"image":"${image}"}`,
        '{"image":{"$ne":1},"recipe":"flip"}',
        `{"image":"${image}","recipe":"flip","x":1}`,
        `{"image":"${image}","recipe":"flip","__proto__":1}`,
      ]) {
        const answer = await said(
          'POST',
          '/api/v1/tasks',
          ['Content-Type: application/json', length(body)],
          body,
        )
        expect([body, codeOf(answer)]).toEqual([body, 'invalid_request'])
      }
    }, 20_000)
  })
}
