// Reads {"leaves": [[kind, index, "0x…"], …], "prove": [index, …]} from standard input and prints what the npm package
// @openzeppelin/merkle-tree makes of it: {"root", "proofs": {index: [...]}}. With "verify": [{"root", "leaf", "proof"}]
// it prints {"verified": [true | false, …]} too.
import { text } from 'node:stream/consumers'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'

const ENCODING = ['uint8', 'uint32', 'bytes']
const { leaves, prove = [], verify = [] } = JSON.parse(await text(process.stdin))
const tree = StandardMerkleTree.of(leaves, ENCODING)
const proofs = Object.fromEntries(prove.map((index) => [index, tree.getProof(index)]))
const verified = verify.map(({ root, leaf, proof }) => StandardMerkleTree.verify(root, ENCODING, leaf, proof))
process.stdout.write(JSON.stringify({ root: tree.root, proofs, verified }))
