"""The Python side's processes of compare_training_step.py: `plain_training.py JOB.json` does what the job says.

Work "prepare" makes the weights that both sides start from, and the token ids of the captions; "train" trains and writes a line of
JSON a step to the job's log. The released loop without what only costs time: the anomaly detection around backward().
"""
import itertools
import json
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import plain_glscl

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


# --- prepare: a process of its own, so that its memory and imports are not counted as the training's -----------------------


def prepare(job):
    folder = Path(job["folder"])
    torch.manual_seed(job["seed"])
    weights = plain_glscl.Glscl(plain_glscl.Sizes(**job["sizes"])).state_dict()
    save_file(weights, folder / "glscl.safetensors")
    save_file({name: value for name, value in weights.items() if name.startswith("clip.")}, folder / "mean_pool.safetensors")
    samples = json.loads((folder / "samples.json").read_text())
    add_tokens(samples, job["words"])
    (folder / "samples.json").write_text(json.dumps(samples))


def add_tokens(samples, words):
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    for sample in samples:
        ids = [tokenizer.sot_token_id, *tokenizer.encode(sample["caption"])][: words - 1] + [tokenizer.eot_token_id]
        padding = [0] * (words - len(ids))
        sample["ids"], sample["ids_mask"] = ids + padding, [1] * len(ids) + padding


# --- train -----------------------------------------------------------------------------------------------------------------


class Clips(torch.utils.data.Dataset):
    """Of each sample: ids and their mask [L], frames [T, 3, R, R] and their mask [T]."""

    def __init__(self, samples, frames, size):
        from torchvision import transforms as T

        self.samples, self.frames, self.size = samples, frames, size
        bicubic = T.InterpolationMode.BICUBIC
        self.transform = T.Compose([T.Resize(size, bicubic), T.CenterCrop(size), T.ToTensor(), T.Normalize(CLIP_MEAN, CLIP_STD)])

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        sample = self.samples[index]
        pictures = self.pictures(sample["video"])
        frames = torch.zeros(self.frames, 3, self.size, self.size)
        for i, picture in enumerate(pictures):
            frames[i] = self.transform(picture)
        mask = torch.arange(self.frames) < len(pictures)
        return torch.tensor(sample["ids"]), torch.tensor(sample["ids_mask"]), frames, mask.long()

    def pictures(self, video):
        """One a second; of more than T, T spread evenly."""
        import decord
        from PIL import Image

        reader = decord.VideoReader(video, ctx=decord.cpu(0), num_threads=1)
        numbers = range(0, len(reader), round(reader.get_avg_fps()))
        if len(numbers) > self.frames:
            numbers = [numbers[i] for i in torch.linspace(0, len(numbers) - 1, self.frames).int()]
        return [Image.fromarray(frame) for frame in reader.get_batch(list(numbers)).asnumpy()]


class Laps:
    """Where the seconds of a step go."""

    def __init__(self):
        self.parts, self.begin = {}, time.perf_counter()
        self.last = self.begin

    def lap(self, part):
        now = time.perf_counter()
        self.parts[part], self.last = now - self.last, now

    def seconds(self):
        return self.last - self.begin


def train_step(model, optimizer, batches):
    laps = Laps()
    ids, ids_mask, frames, mask = next(batches)
    laps.lap("wait")
    features = model.features(ids, ids_mask, frames)
    laps.lap("towers")
    loss = sum(model.losses(features, mask).values())
    laps.lap("head")
    optimizer.zero_grad()
    loss.backward()
    laps.lap("backward")
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    with torch.no_grad():
        model.clip.logit_scale.clamp_(max=plain_glscl.LOGIT_SCALE_MAX)
    result = {"loss": loss.item(), "grad_norm": norm.item()}
    laps.lap("optimizer")
    return {**result, "seconds": laps.seconds(), "parts": laps.parts}


def train(job):
    torch.set_num_threads(job["threads"])
    folder, sizes = Path(job["folder"]), plain_glscl.Sizes(**job["sizes"])
    model = plain_glscl.MODELS[job["head"]](sizes)
    model.load_state_dict(load_file(folder / f"{job['head']}.safetensors"))
    model.train()
    optimizer = plain_glscl.BertAdam(model, job["schedule_steps"])
    clips = Clips(json.loads((folder / "samples.json").read_text()), job["frames"], sizes.image)
    ahead = job["prefetch"] // job["workers"]
    batches = torch.utils.data.DataLoader(clips, job["batch"], num_workers=job["workers"], prefetch_factor=ahead)
    if not job["from_files"]:
        batches = list(itertools.islice(batches, job["steps"]))  # decoded before the first step
    batches = iter(batches)
    with open(job["log"], "w") as log:
        for _ in range(job["steps"]):
            print(json.dumps(train_step(model, optimizer, batches)), file=log, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    work = json.loads(Path(sys.argv[1]).read_text())
    {"prepare": prepare, "train": train}[work["work"]](work)
