// CAR files by the npm packages @ipld/car and @ipld/dag-cbor: reads {"car": base64} from standard input; prints the roots, the blocks'
// CIDs, the epoch in the root block, and the file as it writes it.
import { text } from 'node:stream/consumers'
import { CarReader, CarWriter } from '@ipld/car'
import { decode } from '@ipld/dag-cbor'

const { car } = JSON.parse(await text(process.stdin))
const reader = await CarReader.fromBytes(Buffer.from(car, 'base64'))
const roots = await reader.getRoots()
const { writer, out } = CarWriter.create(roots)
const blocks = []
const written = (async () => {
  const parts = []
  for await (const part of out) parts.push(part)
  return Buffer.concat(parts)
})()
for await (const block of reader.blocks()) {
  blocks.push(String(block.cid))
  await writer.put(block)
}
await writer.close()
const root = decode((await reader.get(roots[0])).bytes)
process.stdout.write(
  JSON.stringify({ roots: roots.map(String), blocks, epoch: root.epoch, written: (await written).toString('base64') }),
)
