"""DiffWave in PyTorch: python3 diffwave.py <folder of the case> <eager|compile> <float32|tf32>; the protocol is that of serve.mjs."""
import json
import math
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F

folder, mode, precision = sys.argv[1:4]
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if precision == "tf32" and device.type != "cuda":
    print(json.dumps({"error": "TF32 is for NVIDIA GPUs, which PyTorch does not see here"}), flush=True)
    sys.exit(0)
torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
torch.backends.cudnn.benchmark = True  # the shapes stay, so the fastest algorithm is worth finding
if device.type == "cpu":
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
if mode == "compile" and not hasattr(torch, "compile"):
    print(json.dumps({"error": f"PyTorch {torch.__version__} has no torch.compile"}), flush=True)
    sys.exit(0)

with open(os.path.join(folder, "case.json")) as file:
    case = json.load(file)
config, B, L = case["config"], case["B"], case["L"]


def numbers(data, shape):
    return torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(shape).to(device)


def read(name, shape):
    with open(os.path.join(folder, name + ".f32"), "rb") as file:
        return numbers(file.read(), shape)


noisy, wanted = read("noisy", (B, 1, L)), read("wanted", (B, 1, L))
encoding = read("encoding", (B, config["encodingWidth"]))
with open(os.path.join(folder, "weights.safetensors"), "rb") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(size))
    body = file.read()
w = {
    name: torch.nn.Parameter(numbers(body[slice(*about["data_offsets"])], about["shape"]))
    for name, about in header.items()
    if name != "__metadata__"
}


def affine(name):
    return w[name + ".weight"], w[name + ".bias"]


def network(x, e):
    e = F.silu(F.linear(e, *affine("diffusion_embedding.projection1")))
    e = F.silu(F.linear(e, *affine("diffusion_embedding.projection2")))
    x = F.relu(F.conv1d(x, *affine("input_projection")))
    skip = None
    for i in range(config["layers"]):
        name = f"residual_layers.{i}"
        dilation = 2 ** (i % config["dilationCycle"])
        step = F.linear(e, *affine(name + ".diffusion_projection"))[:, :, None]
        weight, bias = affine(name + ".dilated_conv")
        y = F.conv1d(x + step, weight, bias, dilation=dilation, padding=dilation * (weight.shape[2] - 1) // 2)
        gate, filtered = y.chunk(2, dim=1)
        y = F.conv1d(torch.sigmoid(gate) * torch.tanh(filtered), *affine(name + ".output_projection"))
        residual, skipped = y.chunk(2, dim=1)
        x = (x + residual) / math.sqrt(2)
        skip = skipped if skip is None else skip + skipped
    x = F.relu(F.conv1d(skip / math.sqrt(config["layers"]), *affine("skip_projection")))
    return F.conv1d(x, *affine("output_projection"))


adam = case["adam"]
optimizer = torch.optim.Adam(
    w.values(), lr=adam["learningRate"], betas=(adam["beta1"], adam["beta2"]), eps=adam["epsilon"]
)
model = torch.compile(network) if mode == "compile" else network


def forward():
    with torch.no_grad():
        return F.mse_loss(model(noisy, encoding), wanted)


def train():
    optimizer.zero_grad()
    loss = F.mse_loss(model(noisy, encoding), wanted)
    loss.backward()
    optimizer.step()
    return loss


where = f"{torch.cuda.get_device_name()}, TF32 {'on' if precision == 'tf32' else 'off'}" if device.type == "cuda" else (
    f"CPU, {torch.get_num_threads()} threads"
)
print(json.dumps({"ready": True, "name": f"PyTorch {torch.__version__} {mode} ({where})"}), flush=True)
for line in sys.stdin:
    try:
        start = time.perf_counter()
        loss = {"forward": forward, "train": train}[line.strip()]().item()
        if device.type == "cuda":
            torch.cuda.synchronize()
        print(json.dumps({"seconds": time.perf_counter() - start, "loss": loss}), flush=True)
    except Exception as error:  # one line for the bench, which goes on with the next peer
        print(json.dumps({"error": str(error).split("\n")[0]}), flush=True)
