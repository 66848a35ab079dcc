#include "harness/ptrace/tracer.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/fault/fault_rules.h"
#include "harness/fault/libfiu.h"
#include "harness/ptrace/environment.h"
#include "harness/ptrace/guard_handler.h"
#include "harness/ptrace/kernel/filter.h"
#include "harness/ptrace/kernel/support.h"
#include "harness/ptrace/kernel/wakeup.h"
#include "harness/ptrace/observing_handler.h"
#include "harness/ptrace/recorder.h"
#include "harness/ptrace/recording_handler.h"
#include "harness/ptrace/supervisor.h"
#include "harness/ptrace/tracees.h"
#include "harness/target/process.h"
#include "harness/trace/data_store.h"
#include "harness/trace/syscalls.h"
#include "harness/trace/trace_file.h"

namespace crashpoint::ptrace {
namespace {

// How the newborn process and the tracer's thread meet before the exec. Each end sees the other's
// death as the end of the stream.
class Handshake {
 public:
  Handshake() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) != 0) {
      throw EnvironmentError(fmt::format("cannot make a socket pair: {}", error_text(errno)));
    }
  }
  ~Handshake() {
    close_child_end();
    ::close(ends_[0]);
  }
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  // In the child: tells its number, waits to be attached. Async-signal-safe.
  int wait_to_be_attached() {
    ::close(ends_[0]);
    const pid_t self = ::getpid();
    char go = 0;
    const bool attached =
        ::write(ends_[1], &self, sizeof self) == sizeof self && ::read(ends_[1], &go, 1) == 1;
    return attached ? 0 : ECANCELED;
  }
  // In the child: why it could not be set up.
  void tell(int error) { (void)!::write(ends_[1], &error, sizeof error); }

  // In the tracer's thread: the child's number; 0: it was never born.
  pid_t child() {
    pid_t pid = 0;
    return ::read(ends_[0], &pid, sizeof pid) == sizeof pid ? pid : 0;
  }
  void go() { (void)!::write(ends_[0], "", 1); }

  // After the launch has failed or succeeded: what the child told, or 0.
  int told() {
    int error = 0;
    return ::recv(ends_[0], &error, sizeof error, MSG_DONTWAIT) == sizeof error ? error : 0;
  }
  void close_child_end() {
    if (ends_[1] >= 0) {
      ::close(ends_[1]);
      ends_[1] = -1;
    }
  }

 private:
  int ends_[2] = {-1, -1};
};

bool is_libfiu(const fault::Fault& fault) {
  return std::holds_alternative<fault::Libfiu>(fault.action);
}

// All but SIGCHLD, which every stop of a tracee sends to its tracer: blocked here the kernel would
// keep it, and wake another thread of the harness to ignore it.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigdelset(&all, SIGCHLD);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

class Tracer::Impl {
 public:
  Impl(const target::ProcessSpec& spec, TracerOptions options);
  ~Impl();

  std::optional<int> main_status();
  bool wait_for_main(std::chrono::milliseconds timeout);
  bool wait_for_end(std::chrono::milliseconds timeout);
  bool wait_until_held(std::chrono::milliseconds timeout);
  void share_directory();
  void signal_main(int signal);
  Run finish();

  Supervisor& supervisor() { return *supervisor_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  void run(std::promise<void>& ready);
  [[nodiscard]] std::unique_ptr<Tracees::Handler> make_handler();
  void main_ended(int status);
  void all_held();

  TracerOptions options_;
  std::optional<fault::FiuPreload> fiu_;
  std::unique_ptr<trace::TraceFileWriter> file_;
  std::unique_ptr<Recorder> recorder_;  // null: nothing is recorded
  Handshake handshake_;
  std::atomic<int> attach_error_ = 0;
  pid_t pid_ = 0;
  // Made by the tracer's thread, for which they are.
  std::optional<Wakeup> wakeup_;
  std::optional<Supervisor> supervisor_;
  std::unique_ptr<Tracees::Handler> handler_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<int> main_status_;
  bool held_ = false;
  bool ended_ = false;
  std::exception_ptr error_;
};

Tracer::Impl::Impl(const target::ProcessSpec& spec, TracerOptions options)
    : options_(std::move(options)) {
  for (const fault::Fault& fault : options_.faults) {
    if (const std::string problem = fault::fault_problem(fault); !problem.empty()) {
      throw UsageError(fmt::format("fault {}: {}", fault.text, problem));
    }
  }
  if (options_.record) {
    if (!options_.trace_file.empty()) {
      file_ = std::make_unique<trace::TraceFileWriter>(options_.trace_file, options_.data_directory,
                                                       spec.argv);
    }
    recorder_ = std::make_unique<Recorder>(
        options_,
        file_ != nullptr ? file_->store()
                         : std::make_shared<trace::SegmentStore>(options_.memory_bytes,
                                                                 options_.spill_directory),
        file_.get());
  }
  target::ProcessSpec traced = spec;
  if (std::any_of(options_.faults.begin(), options_.faults.end(), is_libfiu)) {
    fiu_.emplace();
  }
  prepare_environment(spec.argv.empty() ? "" : spec.argv.front(), options_,
                      fiu_.has_value() ? &*fiu_ : nullptr, traced.environment);
  std::vector<sock_filter> filter;
  if (options_.record) {
    filter = make_filter(trace::recorded_syscalls());
  } else if (options_.observations != nullptr) {
    filter = make_filter(trace::observed_syscalls(), trace::kFirstUnknownSyscall);
  } else {
    filter = make_filter({});
  }

  std::promise<void> ready;
  std::future<void> is_ready = ready.get_future();
  thread_ = std::thread([this, &ready] { run(ready); });
  try {
    is_ready.get();
    pid_ = target::launch(traced, [&] {
      int error = handshake_.wait_to_be_attached();
      if (error == 0) {
        error = install_filter(filter);
      }
      if (error != 0) {
        handshake_.tell(error);
      }
      return error;
    });
    handshake_.close_child_end();
    if (const int error = attach_error_; error != 0) {
      // The child was killed where it waited: to launch() that looks like an exec.
      throw EnvironmentError(ptrace_refused(error));
    }
  } catch (...) {
    handshake_.close_child_end();
    if (supervisor_.has_value()) {
      supervisor_->tracees().kill_all();
    }
    thread_.join();
    if (const int error = attach_error_; error != 0) {
      throw EnvironmentError(ptrace_refused(error));
    }
    if (const int error = handshake_.told(); error != 0) {
      throw EnvironmentError(seccomp_refused(error));
    }
    throw;
  }
}

Tracer::Impl::~Impl() {
  if (thread_.joinable()) {
    supervisor_->tracees().kill_all();
    thread_.join();
  }
}

void Tracer::Impl::run(std::promise<void>& ready) {
  ::pthread_setname_np(::pthread_self(), "tracer");
  block_signals();
  try {
    wakeup_.emplace();
    supervisor_.emplace(options_, *wakeup_,
                        Supervisor::Events{.main_ended = [this](int status) { main_ended(status); },
                                           .all_held = [this] { all_held(); }});
    handler_ = make_handler();
    ready.set_value();
  } catch (...) {
    ready.set_exception(std::current_exception());
    return;
  }
  if (const pid_t pid = handshake_.child(); pid != 0) {
    if (const int error = supervisor_->tracees().attach(pid); error != 0) {
      attach_error_ = error;  // before the child's end can be seen
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, __WALL);
    } else {
      handshake_.go();
    }
  }
  std::exception_ptr error;
  for (bool done = false; !done;) {
    try {
      supervisor_->tracees().run(*handler_);
      done = true;
    } catch (...) {
      error = error == nullptr ? std::current_exception() : error;
      supervisor_->tracees().kill_all();
    }
  }
  supervisor_->end();
  const std::lock_guard lock(mutex_);
  error_ = error;
  ended_ = true;
  changed_.notify_all();
}

// The mode of the run; the filter in the constructor goes with it.
std::unique_ptr<Tracees::Handler> Tracer::Impl::make_handler() {
  if (recorder_ != nullptr) {
    return std::make_unique<RecordingHandler>(*supervisor_, options_, *recorder_);
  }
  if (options_.observations != nullptr) {
    return std::make_unique<ObservingHandler>(*supervisor_, options_.data_directory,
                                              *options_.observations);
  }
  return std::make_unique<GuardHandler>(*supervisor_);
}

void Tracer::Impl::main_ended(int status) {
  const std::lock_guard lock(mutex_);
  main_status_ = status;
  changed_.notify_all();
}

void Tracer::Impl::all_held() {
  const std::lock_guard lock(mutex_);
  held_ = true;
  changed_.notify_all();
}

std::optional<int> Tracer::Impl::main_status() {
  const std::lock_guard lock(mutex_);
  return main_status_;
}

bool Tracer::Impl::wait_for_main(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return main_status_.has_value(); });
}

bool Tracer::Impl::wait_for_end(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return ended_; });
}

bool Tracer::Impl::wait_until_held(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return held_ || ended_; }) && held_;
}

void Tracer::Impl::share_directory() {
  if (recorder_ != nullptr) {
    recorder_->share_directory();
  }
}

void Tracer::Impl::signal_main(int signal) {
  const std::lock_guard lock(mutex_);
  if (!main_status_.has_value()) {
    ::kill(pid_, signal);
  }
}

Run Tracer::Impl::finish() {
  thread_.join();
  if (error_ != nullptr) {
    std::rethrow_exception(error_);
  }
  Run run;
  run.status = main_status_.value_or(0);
  if (recorder_ != nullptr) {
    run.trace = recorder_->take();
  }
  run.faults = supervisor_->faults().reports(run.trace);
  run.survivors = supervisor_->take_survivors();
  return run;
}

Tracer::Tracer(const target::ProcessSpec& spec, TracerOptions options)
    : impl_(std::make_unique<Impl>(spec, std::move(options))) {}
Tracer::~Tracer() = default;

pid_t Tracer::pid() const {
  return impl_->pid();
}
void Tracer::begin_workload() {
  impl_->supervisor().begin_workload();
}
void Tracer::arm_step(std::size_t step) {
  impl_->supervisor().arm_step(step);
}
void Tracer::acked(std::uint64_t count) {
  impl_->supervisor().acked(count);
}
void Tracer::hold() {
  impl_->supervisor().ask_to_hold();
}
void Tracer::let_go() {
  impl_->supervisor().ask_to_let_go();
}
bool Tracer::is_holding() const {
  return impl_->supervisor().is_holding();
}
bool Tracer::wait_until_held(std::chrono::milliseconds timeout) {
  return impl_->wait_until_held(timeout);
}
void Tracer::share_directory() {
  impl_->share_directory();
}
void Tracer::kill_tree() {
  impl_->supervisor().tracees().kill_all();
}
void Tracer::signal_main(int signal) {
  impl_->signal_main(signal);
}
std::optional<int> Tracer::main_status() const {
  return impl_->main_status();
}
bool Tracer::wait_for_main(std::chrono::milliseconds timeout) {
  return impl_->wait_for_main(timeout);
}
bool Tracer::wait_for_end(std::chrono::milliseconds timeout) {
  return impl_->wait_for_end(timeout);
}
Run Tracer::finish() {
  return impl_->finish();
}

}  // namespace crashpoint::ptrace
