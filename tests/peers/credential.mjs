// W3C credentials by the npm packages did-jwt-vc and ethr-did-resolver: reads {"rpcUrl", "registry", "chainId", "credentials": [JWT, …]}
// from standard input; prints {"issuer", "subject"} of each that verifies now, or {"refused": why}.
import { text } from 'node:stream/consumers'
import { Resolver } from 'did-resolver'
import { verifyCredential } from 'did-jwt-vc'
import { getResolver } from 'ethr-did-resolver'

const { rpcUrl, registry, chainId, credentials } = JSON.parse(await text(process.stdin))
const resolver = new Resolver(getResolver({ networks: [{ name: `0x${chainId.toString(16)}`, chainId, rpcUrl, registry }] }))
const answers = []
for (const jwt of credentials) {
  try {
    const { issuer, verifiableCredential } = await verifyCredential(jwt, resolver)
    answers.push({ issuer, subject: verifiableCredential.credentialSubject })
  } catch (error) {
    answers.push({ refused: String(error.message ?? error) })
  }
}
process.stdout.write(JSON.stringify(answers), () => process.exit(0))
