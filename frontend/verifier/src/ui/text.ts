/** What the page says, Chinese first with English beside it. */

/** One saying in both languages. */
export interface Said {
  readonly zh: string;
  readonly en: string;
}

const said = (zh: string, en: string): Said => ({ zh, en });

export const text = {
  brand: said("储能联盟 · 独立核验器", "Storage Alliance · independent verifier"),
  lead: said(
    "在您自己的浏览器里，从链与存档重新计算一切；不相信任何人，也不把任何东西发给别人。",
    "Recomputes everything from the chain and the archive in your own browser; it trusts nobody and sends nothing to anybody else.",
  ),
  whatFor: said("核验什么", "What to verify"),
  day: said("一天的结算", "A day's settlement"),
  dayHint: said("从电表读数到每一分钱", "from the meters' readings to the last cent"),
  receipt: said("一张读数凭证", "A reading's receipt"),
  receiptHint: said("一条读数、一个签名、一次上链", "one reading, one signature, one checkpoint"),
  anchor: said("信任的起点", "Where trust begins"),
  deployment: said("部署文件", "Deployment file"),
  deploymentHint: said(
    "链号、创世块与各合约代码的哈希；请从您信任的人那里取得，绝不从被核验的服务取得。",
    "Chain, genesis and code hashes of the contracts; take it from somebody you trust, never from the service under test.",
  ),
  rpc: said("链节点地址", "RPC address of a chain node"),
  evidence: said("证据", "Evidence"),
  date: said("日期", "Day"),
  archive: said("存档", "Archive"),
  gateway: said("网关地址", "gateway address"),
  folder: said("本机文件夹", "folder on this computer"),
  car: said("CAR 文件", "CAR files"),
  chooseFolder: said("选择文件夹", "Choose a folder"),
  chooseCar: said("选择 CAR 文件", "Choose CAR files"),
  key: said("密钥文件（可选）", "Key file (optional)"),
  keyHint: said(
    "打开加密证据的 X25519 私钥，64 位十六进制；只在本页内使用。没有它，公开部分照样核验。",
    "The X25519 private key that opens encrypted evidence, 64 hex digits; it stays in this page. Without it the public part is verified all the same.",
  ),
  receiptFile: said("凭证", "Receipt"),
  receiptDrop: said("把凭证文件拖到这里，或粘贴其内容", "Drop the receipt here, or paste its text"),
  depth: said("其上至少有几个区块", "Blocks that must stand above"),
  more: said("更多设置", "More settings"),
  choose: said("选择文件", "Choose a file"),
  paste: said("或粘贴内容", "or paste its text"),
  cars: said("个 CAR 文件", "CAR files"),
  blocks: said("个数据块", "blocks"),
  verify: said("开始核验", "Verify"),
  stop: said("停止", "Stop"),
  again: said("再次核验", "Verify again"),
  running: said("正在核验", "Verifying"),
  exportJson: said("导出报告（JSON）", "Export the report (JSON)"),
  steps: said("进度", "Progress"),
  where: said("位置", "Place"),
  rule: said("规则", "Rule"),
  expected: said("应为", "expected"),
  got: said("实为", "got"),
  checked: said("核对了什么", "What was checked"),
  wholeChecks: said("完整核验包含（本次在上面所示处停下）", "What a whole verification checks (this one ended as told above)"),
  notChecked: said("没有核对什么", "What was not checked"),
  unreadWhat: said("未能读取", "Not read"),
  why: said("原因", "Why"),
  reading: said("这条读数", "The reading"),
  wrongInput: said("输入有误", "Wrong input"),
  field: said("字段", "field"),
  missing: said("请填写", "is needed"),
  notAddress: said("应为 http:// 或 https:// 开头的地址", "must be an address that begins with http:// or https://"),
  noBlocks: said("里面没有任何数据块（*.block）", "holds no block (*.block)"),
  itself: said("核验器本身", "the verifier itself"),
  source: said(
    "这是第二个核验器：与命令行 alliance audit 没有一行共同代码，规则相同，结论应当相同。",
    "This is the second verifier: it shares no line of code with the command line's alliance audit; the rules are the same, and so should be the verdict.",
  ),
} as const;

/** The three outcomes, as the headline of a result. */
export const OUTCOMES = {
  pass: said("通过", "Pass"),
  fail: said("不符", "Fail"),
  unread: said("未能读完", "Not fully read"),
} as const;

export const OUTCOME_SENTENCES = {
  day: {
    pass: said("从签名读数到每一分钱，全部重新算出，与链上公布的一致。", "All of it was recomputed, from signed readings to the last cent, and agrees with what the chain records."),
    fail: said("第一处不符如下；其后的内容不再核对。", "The first divergence is below; nothing after it was checked."),
    unread: said("有内容没能读到：既不算通过，也不指控任何人。", "Something could not be read: this is no pass, and accuses nobody."),
  },
  receipt: {
    pass: said("这条读数由设备签名，进入日志，并由链上检查点固定。", "The reading was signed by the device, logged, and fixed by a checkpoint on the chain."),
    fail: said("这张凭证证明不了它所说的读数。", "This receipt does not prove the reading that it names."),
    unread: said("有内容没能读到：既不算通过，也不指控任何人。", "Something could not be read: this is no pass, and accuses nobody."),
  },
} as const;

export const SCOPE = {
  day: {
    checked: said(
      "链的身份与合约代码，状态证明，检查点逐个相接；清单与重建的日志；设备密钥及其绑定、撤销与冻结；每条读数、盐、签名与顺序；规则包、计划及其证书；结算的每一行、每一笔余额与公布的根。",
      "The chain's identity and the contracts' code, proved state, consecutive checkpoints; manifests and the rebuilt log; the devices' keys, bindings, revocations and freezes; every reading, salt, signature and its order; rule packs, schedules and their certificates; every line and balance of the settlement and the posted root.",
    ),
    wholeChecks: said("完整核验包含（本次在上面所示处停下）", "What a whole verification checks (this one ended as told above)"),
  notChecked: said(
      "电表是否如实计量、铅封是否完好；节点之外的链共识；银行是否已付款。",
      "Whether a meter measures truly and its seal is whole; the chain's consensus beyond this node; whether a bank has paid.",
    ),
  },
  receipt: {
    checked: said(
      "凭证属于这条链与这份日志；读数、数据段、签名、日志条目逐级证明；检查点事件在链上且够深；签名的密钥当时有效，通道已绑定。",
      "The receipt belongs to this chain and log; reading, segment, signature and log entry are proved one from the other; the checkpoint stands on the chain, deep enough; the key was valid there and the channel bound.",
    ),
    wholeChecks: said("完整核验包含（本次在上面所示处停下）", "What a whole verification checks (this one ended as told above)"),
  notChecked: said(
      "其他读数、日志是否完整、结算金额；电表是否如实计量。",
      "Any other reading, whether the log is complete, any amount; whether the meter measures truly.",
    ),
  },
} as const;

/** The steps of both verifications by the names that the core reports. */
export const STEPS = {
  receipt: said("凭证自身的证明", "the receipt's own proofs"),
  identity: said("链与合约的身份", "chain and contracts"),
  chain: said("链上事件与状态证明", "events and proved state"),
  log: said("日志与签名读数", "log and signed readings"),
  documents: said("规则、计划与证书", "rules, schedules, certificates"),
  settlement: said("重新结算并逐行比较", "settlement, line by line"),
  key: said("密钥与通道绑定", "key and binding"),
} as const;

export type StepName = keyof typeof STEPS;

/** The place of a divergence, part by part. */
export const PLACES = {
  station: said("储能站", "station"),
  device: said("设备", "device"),
  channel: said("通道", "channel"),
  epoch: said("批次", "epoch"),
  slot: said("时段", "slot"),
  seq: said("读数序号", "seq"),
} as const;

/** How much was checked. */
export const COUNTS = {
  epochs: said("日志批次", "epochs"),
  segments: said("数据段", "segments"),
  readings: said("读数", "readings"),
  lines: said("结算行", "statement lines"),
  blocks: said("数据块", "blocks"),
  bytes: said("字节", "bytes"),
} as const;

export const READING = {
  station: said("储能站", "station"),
  device: said("设备", "device"),
  kind: said("种类", "kind"),
  seq: said("序号", "seq"),
  time: said("设备时间", "device time"),
  power: said("功率（输出为正）", "power, positive out"),
  registers: said("累计电量 入 / 出", "registers in / out"),
  signer: said("签名密钥", "signing key"),
  epoch: said("批次", "epoch"),
  block: said("区块", "block"),
  meter: said("电表", "meter"),
  battery: said("电池", "battery"),
} as const;
