import { expect, test } from 'bun:test'
import { colorParameter, isOpaqueColor } from './color-parameter.ts'

const schema = colorParameter('#00000000', 'Colour', 'Any.')

test('a colour is normalized', () => {
  const written = {
    fff: '#ffffff',
    '#FC0': '#ffcc00',
    f008: '#ff000088',
    '#112233': '#112233',
    '112233FF': '#112233',
    white: '#ffffff',
    black: '#000000',
    transparent: '#00000000',
  }
  for (const [text, kept] of Object.entries(written)) {
    expect(schema.parse(text)).toBe(kept)
    expect(schema.parse(kept)).toBe(kept)
  }
  expect(schema.parse(undefined)).toBe('#00000000')
})

test('other text is not a colour', () => {
  for (const text of ['', '#', 'ff', 'fffff', '#gggggg', 'red ', 'rgb(1,2,3)', '##fff', 7]) {
    expect(schema.safeParse(text).success).toBe(false)
  }
})

test('isOpaqueColor is true only for colours without transparency', () => {
  expect(isOpaqueColor(schema.parse('fffF'))).toBe(true)
  expect(isOpaqueColor(schema.parse('transparent'))).toBe(false)
  expect(isOpaqueColor(schema.parse('#ffffff80'))).toBe(false)
})
