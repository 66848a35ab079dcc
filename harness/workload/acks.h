// What the trace knows better than the clients: when each reply left the target.
#pragma once

#include <string_view>

#include "harness/trace/trace.h"
#include "harness/workload/history.h"

namespace crashpoint::workload {

// Sets reply, acked and acked_ns of every operation from the bytes the target sent (kSend events).
// A reply counts once the send that carried its last byte returned, whether or not the client read
// it. Connections the trace does not know keep what the client saw.
void fill_acks(History& history, const trace::Trace& trace);

// Narrows history.snapshots to what the trace shows: for every snapshot file that was renamed to
// `snapshot_file` (the server's dbfilename), the fork (or the save in the main process) that took
// it. Finds the ones that no command asked for, too.
void fill_snapshots(History& history, const trace::Trace& trace,
                    std::string_view snapshot_file = "dump.rdb");

}  // namespace crashpoint::workload
