// Node 20 lacks Promise.withResolvers, which js-ipfs calls: preloaded where it is missing.
if (!Promise.withResolvers) {
  Promise.withResolvers = () => {
    const made = {}
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
    return made
  }
}
