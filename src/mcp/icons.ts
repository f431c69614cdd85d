/** Two overlapping discs: a person and their twin. Ours alone, as data, so that nothing is fetched. */
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">' +
  '<circle cx="19" cy="24" r="15" fill="#0b7285"/>' +
  '<circle cx="29" cy="24" r="15" fill="#66d9e8" fill-opacity=".7"/></svg>';

/** Icons of the server, its tools, templates and prompts (MCP `basic/index.mdx`, icons). */
export const ICONS = [
  {
    src: `data:image/svg+xml;base64,${Buffer.from(SVG).toString('base64')}`,
    mimeType: 'image/svg+xml',
    sizes: ['any'],
  },
];
