import type { Table } from './read-settings.ts'

/** One Markdown table row per setting: variable, default, format, meaning. */
export function describeSettings(table: Table): string[] {
  return Object.values(table).map((one) => {
    const shown = one.shownDefault ?? (one.default === undefined ? '' : one.print(one.default))
    const names = one.secret ? `\`${one.env}\`, \`${one.env}_FILE\`` : `\`${one.env}\``
    return `| ${names} | ${shown === '' ? '–' : `\`${shown}\``} | ${cell(one.expects)} | ${cell(one.help)} |`
  })
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
