/** Keccak-256 as Ethereum uses it (FIPS 202's permutation, padding 0x01), written out lane by lane: a statement's tree takes 40,000 permutations. */

const RATE = 136;
const LANE_WORDS = 50;
/** The 24 round constants, low word first. */
const ROUNDS = Int32Array.of(
  0x1, 0x0, 0x8082, 0x0, 0x808a, 0x80000000, 0x80008000, 0x80000000, 0x808b, 0x0, 0x80000001, 0x0, 0x80008081,
  0x80000000, 0x8009, 0x80000000, 0x8a, 0x0, 0x88, 0x0, 0x80008009, 0x0, 0x8000000a, 0x0, 0x8000808b, 0x0, 0x8b,
  0x80000000, 0x8089, 0x80000000, 0x8003, 0x80000000, 0x8002, 0x80000000, 0x80, 0x80000000, 0x800a, 0x0,
  0x8000000a, 0x80000000, 0x80008081, 0x80000000, 0x8080, 0x80000000, 0x80000001, 0x0, 0x80008008, 0x80000000,
);

/** Keccak-256 of bytes. */
export function keccak(message: Uint8Array): Uint8Array {
  const state = new Int32Array(LANE_WORDS);
  let at = 0;
  for (; at + RATE <= message.length; at += RATE) {
    absorb(state, message, at);
    permute(state);
  }
  const last = new Uint8Array(RATE);
  last.set(message.subarray(at));
  last[message.length - at] = 0x01;
  last[RATE - 1] = (last[RATE - 1] as number) | 0x80;
  absorb(state, last, 0);
  permute(state);
  return squeezed(state);
}

function absorb(state: Int32Array, bytes: Uint8Array, from: number): void {
  for (let lane = 0, at = from; lane < RATE / 4; lane += 1, at += 4) {
    const word =
      (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    state[lane] = (state[lane] as number) ^ word;
  }
}

function squeezed(state: Int32Array): Uint8Array {
  const digest = new Uint8Array(32);
  for (let at = 0; at < 32; at += 1) digest[at] = ((state[at >> 2] as number) >>> (8 * (at & 3))) & 0xff;
  return digest;
}

/** Keccak-f[1600]: lane x + 5y stands in words 2(x + 5y), low, and the next, high. */
function permute(s: Int32Array): void {
  for (let round = 0; round < ROUNDS.length; round += 2) {
    // theta
    const c0l = (s[0] as number) ^ (s[10] as number) ^ (s[20] as number) ^ (s[30] as number) ^ (s[40] as number);
    const c0h = (s[1] as number) ^ (s[11] as number) ^ (s[21] as number) ^ (s[31] as number) ^ (s[41] as number);
    const c1l = (s[2] as number) ^ (s[12] as number) ^ (s[22] as number) ^ (s[32] as number) ^ (s[42] as number);
    const c1h = (s[3] as number) ^ (s[13] as number) ^ (s[23] as number) ^ (s[33] as number) ^ (s[43] as number);
    const c2l = (s[4] as number) ^ (s[14] as number) ^ (s[24] as number) ^ (s[34] as number) ^ (s[44] as number);
    const c2h = (s[5] as number) ^ (s[15] as number) ^ (s[25] as number) ^ (s[35] as number) ^ (s[45] as number);
    const c3l = (s[6] as number) ^ (s[16] as number) ^ (s[26] as number) ^ (s[36] as number) ^ (s[46] as number);
    const c3h = (s[7] as number) ^ (s[17] as number) ^ (s[27] as number) ^ (s[37] as number) ^ (s[47] as number);
    const c4l = (s[8] as number) ^ (s[18] as number) ^ (s[28] as number) ^ (s[38] as number) ^ (s[48] as number);
    const c4h = (s[9] as number) ^ (s[19] as number) ^ (s[29] as number) ^ (s[39] as number) ^ (s[49] as number);
    const d0l = c4l ^ ((c1l << 1) | (c1h >>> 31)); const d0h = c4h ^ ((c1h << 1) | (c1l >>> 31));
    const d1l = c0l ^ ((c2l << 1) | (c2h >>> 31)); const d1h = c0h ^ ((c2h << 1) | (c2l >>> 31));
    const d2l = c1l ^ ((c3l << 1) | (c3h >>> 31)); const d2h = c1h ^ ((c3h << 1) | (c3l >>> 31));
    const d3l = c2l ^ ((c4l << 1) | (c4h >>> 31)); const d3h = c2h ^ ((c4h << 1) | (c4l >>> 31));
    const d4l = c3l ^ ((c0l << 1) | (c0h >>> 31)); const d4h = c3h ^ ((c0h << 1) | (c0l >>> 31));
    // rho and pi
    const l0 = (s[0] as number) ^ d0l; const h0 = (s[1] as number) ^ d0h; const bl0 = l0; const bh0 = h0;
    const l5 = (s[10] as number) ^ d0l; const h5 = (s[11] as number) ^ d0h; const bl16 = (h5 << 4) | (l5 >>> 28);
    const bh16 = (l5 << 4) | (h5 >>> 28); const l10 = (s[20] as number) ^ d0l; const h10 = (s[21] as number) ^ d0h;
    const bl7 = (l10 << 3) | (h10 >>> 29); const bh7 = (h10 << 3) | (l10 >>> 29);
    const l15 = (s[30] as number) ^ d0l; const h15 = (s[31] as number) ^ d0h;
    const bl23 = (h15 << 9) | (l15 >>> 23); const bh23 = (l15 << 9) | (h15 >>> 23);
    const l20 = (s[40] as number) ^ d0l; const h20 = (s[41] as number) ^ d0h;
    const bl14 = (l20 << 18) | (h20 >>> 14); const bh14 = (h20 << 18) | (l20 >>> 14);
    const l1 = (s[2] as number) ^ d1l; const h1 = (s[3] as number) ^ d1h; const bl10 = (l1 << 1) | (h1 >>> 31);
    const bh10 = (h1 << 1) | (l1 >>> 31); const l6 = (s[12] as number) ^ d1l; const h6 = (s[13] as number) ^ d1h;
    const bl1 = (h6 << 12) | (l6 >>> 20); const bh1 = (l6 << 12) | (h6 >>> 20); const l11 = (s[22] as number) ^ d1l;
    const h11 = (s[23] as number) ^ d1h; const bl17 = (l11 << 10) | (h11 >>> 22);
    const bh17 = (h11 << 10) | (l11 >>> 22); const l16 = (s[32] as number) ^ d1l;
    const h16 = (s[33] as number) ^ d1h; const bl8 = (h16 << 13) | (l16 >>> 19);
    const bh8 = (l16 << 13) | (h16 >>> 19); const l21 = (s[42] as number) ^ d1l;
    const h21 = (s[43] as number) ^ d1h; const bl24 = (l21 << 2) | (h21 >>> 30);
    const bh24 = (h21 << 2) | (l21 >>> 30); const l2 = (s[4] as number) ^ d2l; const h2 = (s[5] as number) ^ d2h;
    const bl20 = (h2 << 30) | (l2 >>> 2); const bh20 = (l2 << 30) | (h2 >>> 2); const l7 = (s[14] as number) ^ d2l;
    const h7 = (s[15] as number) ^ d2h; const bl11 = (l7 << 6) | (h7 >>> 26); const bh11 = (h7 << 6) | (l7 >>> 26);
    const l12 = (s[24] as number) ^ d2l; const h12 = (s[25] as number) ^ d2h;
    const bl2 = (h12 << 11) | (l12 >>> 21); const bh2 = (l12 << 11) | (h12 >>> 21);
    const l17 = (s[34] as number) ^ d2l; const h17 = (s[35] as number) ^ d2h;
    const bl18 = (l17 << 15) | (h17 >>> 17); const bh18 = (h17 << 15) | (l17 >>> 17);
    const l22 = (s[44] as number) ^ d2l; const h22 = (s[45] as number) ^ d2h; const bl9 = (h22 << 29) | (l22 >>> 3);
    const bh9 = (l22 << 29) | (h22 >>> 3); const l3 = (s[6] as number) ^ d3l; const h3 = (s[7] as number) ^ d3h;
    const bl5 = (l3 << 28) | (h3 >>> 4); const bh5 = (h3 << 28) | (l3 >>> 4); const l8 = (s[16] as number) ^ d3l;
    const h8 = (s[17] as number) ^ d3h; const bl21 = (h8 << 23) | (l8 >>> 9); const bh21 = (l8 << 23) | (h8 >>> 9);
    const l13 = (s[26] as number) ^ d3l; const h13 = (s[27] as number) ^ d3h;
    const bl12 = (l13 << 25) | (h13 >>> 7); const bh12 = (h13 << 25) | (l13 >>> 7);
    const l18 = (s[36] as number) ^ d3l; const h18 = (s[37] as number) ^ d3h;
    const bl3 = (l18 << 21) | (h18 >>> 11); const bh3 = (h18 << 21) | (l18 >>> 11);
    const l23 = (s[46] as number) ^ d3l; const h23 = (s[47] as number) ^ d3h;
    const bl19 = (h23 << 24) | (l23 >>> 8); const bh19 = (l23 << 24) | (h23 >>> 8);
    const l4 = (s[8] as number) ^ d4l; const h4 = (s[9] as number) ^ d4h; const bl15 = (l4 << 27) | (h4 >>> 5);
    const bh15 = (h4 << 27) | (l4 >>> 5); const l9 = (s[18] as number) ^ d4l; const h9 = (s[19] as number) ^ d4h;
    const bl6 = (l9 << 20) | (h9 >>> 12); const bh6 = (h9 << 20) | (l9 >>> 12); const l14 = (s[28] as number) ^ d4l;
    const h14 = (s[29] as number) ^ d4h; const bl22 = (h14 << 7) | (l14 >>> 25);
    const bh22 = (l14 << 7) | (h14 >>> 25); const l19 = (s[38] as number) ^ d4l;
    const h19 = (s[39] as number) ^ d4h; const bl13 = (l19 << 8) | (h19 >>> 24);
    const bh13 = (h19 << 8) | (l19 >>> 24); const l24 = (s[48] as number) ^ d4l;
    const h24 = (s[49] as number) ^ d4h; const bl4 = (l24 << 14) | (h24 >>> 18);
    const bh4 = (h24 << 14) | (l24 >>> 18);
    // chi, and iota on the first lane
    s[0] = bl0 ^ (~bl1 & bl2) ^ (ROUNDS[round] as number);
    s[1] = bh0 ^ (~bh1 & bh2) ^ (ROUNDS[round + 1] as number); s[2] = bl1 ^ (~bl2 & bl3); s[3] = bh1 ^ (~bh2 & bh3);
    s[4] = bl2 ^ (~bl3 & bl4); s[5] = bh2 ^ (~bh3 & bh4); s[6] = bl3 ^ (~bl4 & bl0); s[7] = bh3 ^ (~bh4 & bh0);
    s[8] = bl4 ^ (~bl0 & bl1); s[9] = bh4 ^ (~bh0 & bh1); s[10] = bl5 ^ (~bl6 & bl7); s[11] = bh5 ^ (~bh6 & bh7);
    s[12] = bl6 ^ (~bl7 & bl8); s[13] = bh6 ^ (~bh7 & bh8); s[14] = bl7 ^ (~bl8 & bl9); s[15] = bh7 ^ (~bh8 & bh9);
    s[16] = bl8 ^ (~bl9 & bl5); s[17] = bh8 ^ (~bh9 & bh5); s[18] = bl9 ^ (~bl5 & bl6); s[19] = bh9 ^ (~bh5 & bh6);
    s[20] = bl10 ^ (~bl11 & bl12); s[21] = bh10 ^ (~bh11 & bh12); s[22] = bl11 ^ (~bl12 & bl13);
    s[23] = bh11 ^ (~bh12 & bh13); s[24] = bl12 ^ (~bl13 & bl14); s[25] = bh12 ^ (~bh13 & bh14);
    s[26] = bl13 ^ (~bl14 & bl10); s[27] = bh13 ^ (~bh14 & bh10); s[28] = bl14 ^ (~bl10 & bl11);
    s[29] = bh14 ^ (~bh10 & bh11); s[30] = bl15 ^ (~bl16 & bl17); s[31] = bh15 ^ (~bh16 & bh17);
    s[32] = bl16 ^ (~bl17 & bl18); s[33] = bh16 ^ (~bh17 & bh18); s[34] = bl17 ^ (~bl18 & bl19);
    s[35] = bh17 ^ (~bh18 & bh19); s[36] = bl18 ^ (~bl19 & bl15); s[37] = bh18 ^ (~bh19 & bh15);
    s[38] = bl19 ^ (~bl15 & bl16); s[39] = bh19 ^ (~bh15 & bh16); s[40] = bl20 ^ (~bl21 & bl22);
    s[41] = bh20 ^ (~bh21 & bh22); s[42] = bl21 ^ (~bl22 & bl23); s[43] = bh21 ^ (~bh22 & bh23);
    s[44] = bl22 ^ (~bl23 & bl24); s[45] = bh22 ^ (~bh23 & bh24); s[46] = bl23 ^ (~bl24 & bl20);
    s[47] = bh23 ^ (~bh24 & bh20); s[48] = bl24 ^ (~bl20 & bl21); s[49] = bh24 ^ (~bh20 & bh21);
  }
}
