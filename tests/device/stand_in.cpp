// A library with nothing of use in it; with GLINT_STAND_IN_VERSION a CUDA module of that version.
#ifdef GLINT_STAND_IN_VERSION
struct Module {
  int version;
  const char* torch;
};
extern "C" const Module* glint_cuda_module() {
  static const Module module = {GLINT_STAND_IN_VERSION, "0"};
  return &module;
}
#else
extern "C" int glint_stand_in() {
  return 0;
}
#endif
