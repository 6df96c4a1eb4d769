"""Packing on the device: a stream of tokens and a plan of pieces become rows in one gather.

The plan comes from the host (`packing.packers` makes it from the documents' lengths in
milliseconds); ids, position ids, loss mask and the bounds that variable-length attention wants are
computed where the ids lie. Every number is the one that `packing.sequences.Rows` gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from packing.gpu.encoding import DeviceTokens
from packing.packers import Pieces

__all__ = ["DeviceRows", "DeviceStream", "gather_rows", "stream_of"]


@dataclass(frozen=True, slots=True)
class DeviceStream:
    """Documents one behind the other with what separates them, on a device.

    Attributes:
        ids: The stream (int32).
        offsets: Where each document begins in it, its BOS counted, and where the last one ends.
    """

    ids: torch.Tensor
    offsets: torch.Tensor


@dataclass(frozen=True, slots=True)
class DeviceRows:
    """Packed sequences on a device.

    Attributes:
        input_ids: Tokens, a row a sequence, padded (int32).
        position_ids: Places of tokens in their pieces, from 0; so of padding (int32).
        loss_mask: True for tokens, false for padding.
        cu_seqlens: Where pieces begin and end in the rows one after another, padding a piece of
            its own, as variable-length attention takes a batch (int32).
        longest: Tokens of the longest piece.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    loss_mask: torch.Tensor
    cu_seqlens: torch.Tensor
    longest: int


def stream_of(tokens: DeviceTokens, *, bos: int | None, eod: int | None) -> DeviceStream:
    """Puts a BOS before and an EOD behind every document.

    Args:
        tokens: The documents.
        bos: Id before every document, None for none.
        eod: Id behind every document, None for none.

    Returns:
        The stream.
    """
    before, behind = int(bos is not None), int(eod is not None)
    counts = tokens.lengths()
    documents = torch.arange(len(counts), device=counts.device)
    shifts = documents * (before + behind) + before
    offsets = tokens.offsets.clone()
    offsets[:-1] += shifts - before
    offsets[-1] += len(counts) * (before + behind)
    ids = tokens.ids.new_empty(int(offsets[-1]))
    places = torch.arange(len(tokens.ids), device=counts.device)
    ids[places + torch.repeat_interleave(shifts, counts)] = tokens.ids
    if bos is not None:
        ids[offsets[:-1]] = bos
    if eod is not None:
        ids[offsets[1:] - 1] = eod
    return DeviceStream(ids, offsets)


def gather_rows(stream: torch.Tensor, pieces: Pieces, width: int, pad: int) -> DeviceRows:
    """Gathers packed sequences out of a stream.

    Args:
        stream: The tokens.
        pieces: Which stretches of it stand in which sequence.
        width: Tokens of a row.
        pad: Id that fills what is left of a row.

    Returns:
        The rows.

    Raises:
        ValueError: A sequence is longer than a row.
    """
    device = stream.device
    filled = pieces.filled()
    if len(filled) and int(filled.max()) > width:
        raise ValueError(f"a sequence of {int(filled.max())} tokens in rows of {width}")
    starts = torch.as_tensor(pieces.starts, device=device)
    lengths = torch.as_tensor(pieces.lengths, device=device)
    bounds = torch.as_tensor(pieces.bounds, device=device)
    rows = torch.arange(len(pieces), device=device)
    row_of = torch.repeat_interleave(rows, bounds[1:] - bounds[:-1])
    row_fill = torch.as_tensor(filled, device=device)
    begun = torch.cumsum(lengths, 0) - lengths
    # Where each piece begins in the rows one after another: behind the padding of those before.
    padding = torch.cumsum(width - row_fill, 0) - (width - row_fill)
    places = begun + padding[row_of]
    size = len(pieces) * width
    piece_of = torch.repeat_interleave(lengths)
    within = torch.arange(len(piece_of), device=device) - begun[piece_of]
    targets = within + places[piece_of]
    input_ids = stream.new_full((size,), pad)
    input_ids[targets] = stream[within + starts[piece_of]]
    loss_mask = torch.zeros(size, dtype=torch.bool, device=device)
    loss_mask[targets] = True
    padded = torch.nonzero(row_fill < width)[:, 0]
    pads = padded * width + row_fill[padded]
    cuts = torch.sort(torch.cat([places, pads])).values
    cu_seqlens = torch.cat([cuts, cuts.new_full((1,), size)])
    sizes = cu_seqlens[1:] - cu_seqlens[:-1]
    all_places = torch.arange(size, device=device)
    position_ids = all_places - torch.repeat_interleave(cuts, sizes)
    return DeviceRows(
        input_ids.view(-1, width),
        position_ids.to(torch.int32).view(-1, width),
        loss_mask.view(-1, width),
        cu_seqlens.to(torch.int32),
        int(sizes.max()) if len(sizes) else 0,
    )
