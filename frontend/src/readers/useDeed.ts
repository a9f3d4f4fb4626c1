/** One deed about readers; afterwards readers and trail are asked anew. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

export function useDeed() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (deed: () => Promise<void>) => deed(),
    onSuccess: () => cache.invalidateQueries({ predicate: ({ queryKey }) => ["readers", "trail"].includes(String(queryKey[0])) }),
  });
}
