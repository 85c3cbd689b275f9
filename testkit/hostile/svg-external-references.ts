import { svg, type SvgAttack } from './svg.ts'

const box = 'width="10" height="10"'

/**
 * Drawings that try to load something or to run code. Each renders a red square of 10 × 10 pixels in a white square of 100.
 */
export function svgExternalReferences(port: number): readonly SvgAttack[] {
  const web = `http://127.0.0.1:${port}`
  const file = 'file:///etc/passwd'
  const nested = `data:image/svg+xml;base64,${Buffer.from(svg(`<image href="${web}/n"/>`)).toString('base64')}`
  const bodies: Readonly<Record<string, string>> = {
    'a script': `<script>fetch("${web}/s")</script><script href="${web}/s.js"/>`,
    events: `<g onload="fetch('${web}/e')" onclick="alert(1)"/>`,
    'foreign content': `<foreignObject ${box}><iframe xmlns="http://www.w3.org/1999/xhtml" src="${web}/f"/></foreignObject>`,
    'animation that changes a URL': `<image ${box}><set attributeName="href" to="${web}/a"/></image>`,
    'images from the web': `<image ${box} href="${web}/i"/><image ${box} xlink:href="${web}/x"/>`,
    'images from files': `<image ${box} href="${file}"/><image ${box} href="/etc/passwd"/><image ${box} xlink:href="../../etc/passwd"/>`,
    'use of other files': `<use href="${web}/u.svg#a"/><use xlink:href="${file}#a"/>`,
    'filters with images': `<filter id="f"><feImage href="${web}/fe"/></filter><rect ${box} fill="none" filter="url(#f)"/>`,
    'external filters': `<rect ${box} fill="none" filter="url(${web}/f.svg#f)" mask="url('${file}#m')"/>`,
    'external paint': `<g fill="url(${web}/p.svg#p)"><rect ${box} fill="none"/></g>`,
    'obfuscated paint': `<g fill="u\\72l(${web}/p)" style="mask:ur/**/l(${web}/q);filter:src('${web}/z')"><rect ${box} fill="none"/></g>`,
    'imported style sheets': `<style>@import url("${web}/c.css"); @import '${web}/d.css'; @font-face { font-family: x; src: url(${web}/font) }</style>`,
    'obfuscated imports': `<style>@im\\70ort "${web}/h"; g::after { content: url(${web}/k) } @media all { @import "${web}/m"; }</style>`,
    'rules in unclosed strings': `<style>a{fill:"}b[x="url(${web}/v)"]{fill:red}</style>`,
    'an embedded drawing': `<image ${box} href="${nested}"/>`,
    'a page as an image': `<image ${box} href="data:text/html,&lt;script>1&lt;/script>"/>`,
    'another base URL': `<g xml:base="${web}/base/"><image ${box} href="i.png"/><use href="u.svg#a"/></g>`,
    inclusion: `<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${file}" parse="text"/>`,
    links: `<a href="javascript:alert(1)" xlink:href="${web}/a"><g/></a>`,
    'foreign elements': `<h:script xmlns:h="http://www.w3.org/1999/xhtml" src="${web}/h"/><evil><image href="${web}/ev"/></evil>`,
  }
  const prologs: Readonly<Record<string, string>> = {
    'a style sheet in a processing instruction': `<?xml-stylesheet href="${web}/x.css"?><?xml-stylesheet type="text/xsl" href="${web}/x.xsl"?>`,
    'a DOCTYPE on the web': `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "${web}/svg11.dtd">`,
    'a DOCTYPE in a file': `<!DOCTYPE svg SYSTEM "${file}">`,
  }
  const visible = `<rect width="100" height="100" fill="#fff"/><rect ${box} fill="#f00"/>`
  return [
    ...Object.entries(bodies).map(([name, body]): SvgAttack => ({
      name,
      bytes: svg(visible + body),
      end: 'image',
    })),
    ...Object.entries(prologs).map(([name, prolog]): SvgAttack => ({
      name,
      bytes: svg(visible, 100, prolog),
      end: 'image',
    })),
    {
      name: 'an entity from a file',
      bytes: svg(`${visible}<text>&x;</text>`, 100, `<!DOCTYPE svg [<!ENTITY x SYSTEM "${file}">]>`),
      end: 'unsupported_format',
    },
    {
      name: 'an entity from the web',
      bytes: svg(`${visible}<text>&x;</text>`, 100, `<!DOCTYPE svg [<!ENTITY x SYSTEM "${web}/ent">]>`),
      end: 'unsupported_format',
    },
  ]
}
