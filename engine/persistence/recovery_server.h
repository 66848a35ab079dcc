// `crashpoint-engine --recovery-server`: recovers many directories, one after the other, without
// the cost of starting a process for each. For every directory it forks a child that runs exactly
// the recovery of a normal start there, with everything it does to the files, and reports the
// result.
//
// Requests   Lines on `in_fd`: the path of a data directory each. It ends at the end of the input.
// Answers    On `out_fd`, in the order of the requests, one RESP array (the protocol of the server) of
//            four elements:
//
//              :<status>     0 recovered; 1 refused; 128 + n: the child died of signal n
//              *<keys>       the recovered state, one element per key, or *0:
//                              *5 :<db> $<key> +<type> :<expiry, Unix time in ms, or -1> <value>
//                            with <type> and <value> as the commands reply that read them whole:
//                              string  $<bytes>
//                              list    *<n> $<element> ...            first to last
//                              set     *<n> $<member> ...             in no order
//                              hash    *<2n> $<field> $<value> ...    in no order
//                              zset    *<2n> $<member> $<score> ...   lowest first
//                            Expired keys are included: the reader decides.
//              $<log>        what was logged, lines ended by \n
//              :<micros>     how long the recovery took
//
// Errors     A directory that does not exist is refused like any other. When the fork fails or the
//            answer cannot be written, it ends with an error.
#pragma once

#include <functional>
#include <memory>

#include "engine/aof/replay_target.h"
#include "engine/base/result.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

using MakeTarget = std::function<std::unique_ptr<aof::ReplayTarget>(keyspace::Keyspace&)>;

// `settings` is those of every start but for the directory; `databases` and `make_target` make the
// keyspace and the executor of one, in the child.
Status serve_recoveries(const Settings& settings, int databases, const MakeTarget& make_target,
                        int in_fd, int out_fd);

}  // namespace engine::persistence
