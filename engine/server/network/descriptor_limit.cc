#include "engine/server/network/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace engine::server {

std::size_t raise_descriptor_limit(std::size_t clients) {
  const rlim_t wanted = clients + kOwnFiles;
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
    return clients;
  }
  const rlimit both{wanted, std::max(wanted, limit.rlim_max)};  // beyond the hard limit: root may
  const rlimit soft{std::min(wanted, limit.rlim_max), limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &both) != 0 && ::setrlimit(RLIMIT_NOFILE, &soft) == 0) {
    return std::min<std::size_t>(clients,
                                 soft.rlim_cur - std::min<rlim_t>(kOwnFiles, soft.rlim_cur));
  }
  return clients;
}

}  // namespace engine::server
