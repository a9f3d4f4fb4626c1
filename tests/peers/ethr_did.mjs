// DID documents by the npm packages ethr-did-resolver and did-resolver: reads {"rpcUrl", "registry", "chainId", "dids": […]} from
// standard input and prints one resolution result a DID. A DID may ask for a block: did:ethr:0x7a69:0x…?versionId=12.
import { text } from 'node:stream/consumers'
import { Resolver } from 'did-resolver'
import { getResolver } from 'ethr-did-resolver'

const { rpcUrl, registry, chainId, dids } = JSON.parse(await text(process.stdin))
const resolver = new Resolver(getResolver({ networks: [{ name: `0x${chainId.toString(16)}`, chainId, rpcUrl, registry }] }))
const found = []
for (const did of dids) {
  found.push(await resolver.resolve(did))
}
process.stdout.write(JSON.stringify(found), () => process.exit(0))
