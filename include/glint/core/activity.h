#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace glint {

// What this process does now, for those who ask when it hangs or is dead. It stands in memory that the process which
// started this one can share (ActivityRecord), and so outlives a kill -9. Cheap (no system call); any thread. Every
// call counts as progress.

// The work as a whole: "step 57: backward".
void set_activity(const std::string& what);

// A helper's part of it, while the object lives: "decodes video7.mp4". Of more than a dozen the first ones are shown.
class Activity {
 public:
  explicit Activity(const std::string& what);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  std::size_t slot_;
};

void count_progress();
// One more collective has begun here: ranks that wait for one another are told apart by this number.
void count_collective();
// The watchdog has said why the job ends: whoever started this process need not.
void note_verdict();

struct ActivityState {
  std::string text;  // "step 57: waits for data (decodes video7.mp4, decodes video9.mp4)"; empty before the first word
  std::uint64_t progress = 0;
  std::uint64_t collectives = 0;
  bool verdict = false;
};

ActivityState current_activity();

// Memory that a child writes its activity to. Made by the parent, which hands down descriptor() and sets variable() in
// the child's environment.
class ActivityRecord {
 public:
  ActivityRecord();  // Error where the system gives no memory
  ~ActivityRecord();
  ActivityRecord(const ActivityRecord&) = delete;
  ActivityRecord& operator=(const ActivityRecord&) = delete;

  int descriptor() const { return descriptor_; }  // closed on exec
  std::string variable() const;                   // "GLINT_ACTIVITY=..."
  ActivityState read() const;                     // while the child lives, or after

 private:
  int descriptor_ = -1;
  void* page_ = nullptr;
};

}  // namespace glint
