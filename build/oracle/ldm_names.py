"""Names and shapes of Stable Diffusion's weights in the original single-file layout beside those of diffusers.

Both networks are walked at once, module by module, as their constructors build them; no name is derived from another.
Each item is (original name, [names in diffusers], shape): three names where the original joins queries, keys and values.
"""


def layer(ldm, diffusers, weight, bias=True):
    yield f"{ldm}.weight", [f"{diffusers}.weight"], list(weight)
    if bias:
        yield f"{ldm}.bias", [f"{diffusers}.bias"], [weight[0]]


def norm(ldm, diffusers, width):
    yield from layer(ldm, diffusers, [width])


def unet_resnet(ldm, diffusers, inner, outer, time):
    yield from norm(f"{ldm}.in_layers.0", f"{diffusers}.norm1", inner)
    yield from layer(f"{ldm}.in_layers.2", f"{diffusers}.conv1", [outer, inner, 3, 3])
    yield from layer(f"{ldm}.emb_layers.1", f"{diffusers}.time_emb_proj", [outer, time])
    yield from norm(f"{ldm}.out_layers.0", f"{diffusers}.norm2", outer)
    yield from layer(f"{ldm}.out_layers.3", f"{diffusers}.conv2", [outer, outer, 3, 3])
    if inner != outer:
        yield from layer(f"{ldm}.skip_connection", f"{diffusers}.conv_shortcut", [outer, inner, 1, 1])


def transformer(ldm, diffusers, width, context, linear):
    yield from norm(f"{ldm}.norm", f"{diffusers}.norm", width)
    projection = [width, width] if linear else [width, width, 1, 1]
    yield from layer(f"{ldm}.proj_in", f"{diffusers}.proj_in", projection)
    block = "transformer_blocks.0"
    for attention, keys in (("attn1", width), ("attn2", context)):
        for part, columns in (("to_q", width), ("to_k", keys), ("to_v", keys)):
            yield from layer(f"{ldm}.{block}.{attention}.{part}", f"{diffusers}.{block}.{attention}.{part}",
                             [width, columns], bias=False)
        yield from layer(f"{ldm}.{block}.{attention}.to_out.0", f"{diffusers}.{block}.{attention}.to_out.0",
                         [width, width])
    yield from layer(f"{ldm}.{block}.ff.net.0.proj", f"{diffusers}.{block}.ff.net.0.proj", [8 * width, width])
    yield from layer(f"{ldm}.{block}.ff.net.2", f"{diffusers}.{block}.ff.net.2", [width, 4 * width])
    for index in (1, 2, 3):
        yield from norm(f"{ldm}.{block}.norm{index}", f"{diffusers}.{block}.norm{index}", width)
    yield from layer(f"{ldm}.proj_out", f"{diffusers}.proj_out", projection)


def unet(channels, layers, attends, context, linear, latent=4):
    """attends: one flag per resolution, finest first."""
    p, time, last = "model.diffusion_model", 4 * channels[0], len(channels) - 1
    yield from layer(f"{p}.time_embed.0", "time_embedding.linear_1", [time, channels[0]])
    yield from layer(f"{p}.time_embed.2", "time_embedding.linear_2", [time, time])
    yield from layer(f"{p}.input_blocks.0.0", "conv_in", [channels[0], latent, 3, 3])
    skips, width, block = [channels[0]], channels[0], 0
    for level, out in enumerate(channels):
        for index in range(layers):
            block += 1
            yield from unet_resnet(f"{p}.input_blocks.{block}.0", f"down_blocks.{level}.resnets.{index}", width, out, time)
            width = out
            if attends[level]:
                yield from transformer(f"{p}.input_blocks.{block}.1", f"down_blocks.{level}.attentions.{index}",
                                       width, context, linear)
            skips.append(width)
        if level < last:
            block += 1
            yield from layer(f"{p}.input_blocks.{block}.0.op", f"down_blocks.{level}.downsamplers.0.conv",
                             [width, width, 3, 3])
            skips.append(width)
    yield from unet_resnet(f"{p}.middle_block.0", "mid_block.resnets.0", width, width, time)
    yield from transformer(f"{p}.middle_block.1", "mid_block.attentions.0", width, context, linear)
    yield from unet_resnet(f"{p}.middle_block.2", "mid_block.resnets.1", width, width, time)
    block = -1
    for stage, level in enumerate(reversed(range(len(channels)))):
        for index in range(layers + 1):
            block, part = block + 1, 1
            yield from unet_resnet(f"{p}.output_blocks.{block}.0", f"up_blocks.{stage}.resnets.{index}",
                                   width + skips.pop(), channels[level], time)
            width = channels[level]
            if attends[level]:
                yield from transformer(f"{p}.output_blocks.{block}.{part}", f"up_blocks.{stage}.attentions.{index}",
                                       width, context, linear)
                part += 1
            if level > 0 and index == layers:
                yield from layer(f"{p}.output_blocks.{block}.{part}.conv", f"up_blocks.{stage}.upsamplers.0.conv",
                                 [width, width, 3, 3])
    yield from norm(f"{p}.out.0", "conv_norm_out", width)
    yield from layer(f"{p}.out.2", "conv_out", [latent, width, 3, 3])


def vae_resnet(ldm, diffusers, inner, outer):
    yield from norm(f"{ldm}.norm1", f"{diffusers}.norm1", inner)
    yield from layer(f"{ldm}.conv1", f"{diffusers}.conv1", [outer, inner, 3, 3])
    yield from norm(f"{ldm}.norm2", f"{diffusers}.norm2", outer)
    yield from layer(f"{ldm}.conv2", f"{diffusers}.conv2", [outer, outer, 3, 3])
    if inner != outer:
        yield from layer(f"{ldm}.nin_shortcut", f"{diffusers}.conv_shortcut", [outer, inner, 1, 1])


def vae_middle(half, width):
    ldm, diffusers = f"first_stage_model.{half}.mid", f"{half}.mid_block"
    yield from vae_resnet(f"{ldm}.block_1", f"{diffusers}.resnets.0", width, width)
    yield from norm(f"{ldm}.attn_1.norm", f"{diffusers}.attentions.0.group_norm", width)
    for part, name in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")):
        yield from layer(f"{ldm}.attn_1.{part}", f"{diffusers}.attentions.0.{name}", [width, width, 1, 1])
    yield from vae_resnet(f"{ldm}.block_2", f"{diffusers}.resnets.1", width, width)


def vae(channels, layers, latent=4):
    """The attention's matrices have the original's shape here, that of a 1x1 convolution."""
    p, last = "first_stage_model", len(channels) - 1
    yield from layer(f"{p}.encoder.conv_in", "encoder.conv_in", [channels[0], 3, 3, 3])
    width = channels[0]
    for level, out in enumerate(channels):
        for index in range(layers):
            yield from vae_resnet(f"{p}.encoder.down.{level}.block.{index}",
                                  f"encoder.down_blocks.{level}.resnets.{index}", width, out)
            width = out
        if level < last:
            yield from layer(f"{p}.encoder.down.{level}.downsample.conv",
                             f"encoder.down_blocks.{level}.downsamplers.0.conv", [width, width, 3, 3])
    yield from vae_middle("encoder", width)
    yield from norm(f"{p}.encoder.norm_out", "encoder.conv_norm_out", width)
    yield from layer(f"{p}.encoder.conv_out", "encoder.conv_out", [2 * latent, width, 3, 3])
    yield from layer(f"{p}.decoder.conv_in", "decoder.conv_in", [width, latent, 3, 3])
    yield from vae_middle("decoder", width)
    for stage, level in enumerate(reversed(range(len(channels)))):
        for index in range(layers + 1):
            yield from vae_resnet(f"{p}.decoder.up.{level}.block.{index}",
                                  f"decoder.up_blocks.{stage}.resnets.{index}", width, channels[level])
            width = channels[level]
        if level > 0:
            yield from layer(f"{p}.decoder.up.{level}.upsample.conv",
                             f"decoder.up_blocks.{stage}.upsamplers.0.conv", [width, width, 3, 3])
    yield from norm(f"{p}.decoder.norm_out", "decoder.conv_norm_out", width)
    yield from layer(f"{p}.decoder.conv_out", "decoder.conv_out", [3, width, 3, 3])
    yield from layer(f"{p}.quant_conv", "quant_conv", [2 * latent, 2 * latent, 1, 1])
    yield from layer(f"{p}.post_quant_conv", "post_quant_conv", [latent, latent, 1, 1])


def clip_text(vocabulary, positions, width, layers):
    p, q = "cond_stage_model.transformer.text_model", "text_model"
    yield f"{p}.embeddings.token_embedding.weight", [f"{q}.embeddings.token_embedding.weight"], [vocabulary, width]
    yield f"{p}.embeddings.position_embedding.weight", [f"{q}.embeddings.position_embedding.weight"], [positions, width]
    for i in range(layers):
        for name, shape in (("self_attn.q_proj", [width, width]), ("self_attn.k_proj", [width, width]),
                            ("self_attn.v_proj", [width, width]), ("self_attn.out_proj", [width, width]),
                            ("layer_norm1", [width]), ("mlp.fc1", [4 * width, width]), ("mlp.fc2", [width, 4 * width]),
                            ("layer_norm2", [width])):
            yield from layer(f"{p}.encoder.layers.{i}.{name}", f"{q}.encoder.layers.{i}.{name}", shape)
    yield from norm(f"{p}.final_layer_norm", f"{q}.final_layer_norm", width)


def open_clip_text(vocabulary, positions, width, layers):
    """All layers but the last have a name in diffusers."""
    p, q = "cond_stage_model.model", "text_model"
    yield f"{p}.positional_embedding", [f"{q}.embeddings.position_embedding.weight"], [positions, width]
    yield f"{p}.token_embedding.weight", [f"{q}.embeddings.token_embedding.weight"], [vocabulary, width]
    yield f"{p}.text_projection", [], [width, width]
    yield f"{p}.logit_scale", [], []
    for i in range(layers):
        block, target = f"{p}.transformer.resblocks.{i}", f"{q}.encoder.layers.{i}"
        items = []
        for kind, shape in (("weight", [3 * width, width]), ("bias", [3 * width])):
            items.append((f"{block}.attn.in_proj_{kind}", [f"{target}.self_attn.{x}_proj.{kind}" for x in "qkv"], shape))
        for ldm, name, shape in (("attn.out_proj", "self_attn.out_proj", [width, width]), ("ln_1", "layer_norm1", [width]),
                                 ("mlp.c_fc", "mlp.fc1", [4 * width, width]), ("mlp.c_proj", "mlp.fc2", [width, 4 * width]),
                                 ("ln_2", "layer_norm2", [width])):
            items.extend(layer(f"{block}.{ldm}", f"{target}.{name}", shape))
        for ldm, names, shape in items:
            yield ldm, names if i < layers - 1 else [], shape
    yield from norm(f"{p}.ln_final", f"{q}.final_layer_norm", width)
