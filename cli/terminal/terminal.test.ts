import { expect, test } from 'bun:test'
import { renderProgressBar, createLiveLine } from './live-line.ts'
import { styleOf } from './style.ts'
import { formatChange } from './format-change.ts'

const plain = styleOf({}, true)

test('a bar has a constant width', () => {
  for (let percent = -5; percent <= 105; percent += 0.5)
    expect(renderProgressBar(percent, 24, plain)).toHaveLength(24)
  expect(renderProgressBar(0, 4, plain)).toBe('░░░░')
  expect(renderProgressBar(50, 4, plain)).toBe('██░░')
  expect(renderProgressBar(56, 4, plain)).toBe('██▎░')
  expect(renderProgressBar(100, 4, plain)).toBe('████')
})

test('a live line is rewritten in place and never wraps', () => {
  let written = ''
  const line = createLiveLine({ write: (text: string) => (written += text), columns: 10 })
  line.show('12345678901234')
  expect(written).toBe('\r\u001b[2K123456789')
  line.print('stays')
  expect(written).toEndWith('\r\u001b[2Kstays\n123456789')
  line.clear()
  expect(written).toEndWith('\r\u001b[2K')
})

test('colours are written only to terminals, and can be disabled', () => {
  expect(plain.red('x')).toBe('x')
  expect(styleOf({ isTTY: true }, false).red('x')).toBe('x')
  expect(styleOf({ isTTY: true }, true).red('x')).toBe('\u001b[31mx\u001b[39m')
})

test('a change is shown in percent', () => {
  expect([
    formatChange(100, 14),
    formatChange(100, 103),
    formatChange(100, 100),
    formatChange(1000, 3),
  ]).toEqual(['−86 %', '+3 %', '±0 %', '−99.7 %'])
})
