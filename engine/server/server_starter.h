// `crashpoint-engine --server-starter`: starts a whole server on one directory after another, each as a
// forked child, without the cost of an exec and of everything that comes before the first directory.
//
// Requests   Lines on `in_fd`. "DIRECTORY\tSOCKET" starts a server on the directory, which listens on the
//            Unix socket alone; one at a time. An empty line kills the server with every process that it
//            forked, and is answered when they are gone. It ends at the end of the input.
// Answers    On `out_fd`, in order: ":<pid>\r\n" as soon as the server is forked, ":<status>\r\n" as from
//            wait(2) for a server that was to be killed, or that had ended by itself.
//
// Errors     When the fork fails or an answer cannot be written, it ends with an error; a server that still
//            runs dies with it.
#pragma once

#include <functional>
#include <string>

#include "engine/base/result.h"

namespace engine::server {

// What a normal start does, in the child: returns the exit status.
using Serve = std::function<int(const std::string& directory, const std::string& socket)>;

Status start_servers(const Serve& serve, int in_fd, int out_fd);

}  // namespace engine::server
