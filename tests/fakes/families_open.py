"""The families of Ai2, IBM, Swiss AI and Hugging Face: what their models read, word for word as published."""

from tests.fakes.family import Family

OPEN = (
    Family(
        "olmo-2",
        "dbrx",
        # Ai2: chat template of allenai/OLMo-2-1124-13B-Instruct
        published=(
            "<|endoftext|><|system|>\nYou are a careful assistant.\n<|user|>\nWhat is a ledger?\n<|assistant|>\n"
            "A book of records.<|endoftext|>\n<|user|>\nWho keeps it?\n<|assistant|>\n"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        add_bos=False,
    ),
    Family(
        "tulu",
        "llama-bpe",
        # Ai2, github.com/allenai/open-instruct: CHAT_TEMPLATES['tulu'] in open_instruct/dataset_transformation.py
        published=(
            "<|begin_of_text|><|system|>\nYou are a careful assistant.\n<|user|>\nWhat is a ledger?\n<|assistant|>\n"
            "A book of records.<|end_of_text|>\n<|user|>\nWho keeps it?\n<|assistant|>\n"
        ),
        bos="<|begin_of_text|>",
        eos="<|end_of_text|>",
        controls=("<|eot_id|>",),
    ),
    Family(
        "olmo-3",
        "dbrx",
        # Ai2: chat template of allenai/Olmo-3-7B-Instruct, as others port it
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?"
            "<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?"
            "<|im_end|>\n<|im_start|>assistant\n"
        ),
        alone=(
            "<|im_start|>system\nYou are a helpful function-calling AI assistant. You do not currently have access to "
            "any functions. <functions></functions><|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n"
            "<|im_start|>assistant\n"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "olmo-3.1",
        "dbrx",
        # Ai2: chat template of allenai/Olmo-3.1-32B-Instruct, as others compared it
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?"
            "<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?"
            "<|im_end|>\n<|im_start|>assistant\n"
        ),
        alone=(
            "<|im_start|>system\nYou are Olmo, a helpful AI assistant built by Ai2. Your date cutoff is December 2024, "
            "and your model weights are available at https://huggingface.co/allenai. You do not currently have "
            "access to any functions. <functions></functions>"
            "<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>assistant\n"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "olmo-3-think",
        "dbrx",
        # Ai2: chat template of allenai/Olmo-3-7B-Think, as others compared it
        published=(
            "<|im_start|>system\nYou are a careful assistant. You do not currently have access to any functions. "
            "<functions></functions><|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>assistant\n"
            "A book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?<|im_end|>\n<|im_start|>assistant\n<think>"
        ),
        alone=(
            "<|im_start|>system\nYou are Olmo, a helpful AI assistant built by Ai2. Your date cutoff is December 2024, "
            "and your model weights are available at https://huggingface.co/allenai."
            "<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>assistant\n<think>"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "olmo-3-32b-think",
        "dbrx",
        # Ai2: chat template of allenai/Olmo-3-32B-Think, as others compared it
        published=(
            "<|im_start|>system\nYou are a careful assistant. You do not currently have access to any functions. "
            "<functions></functions><|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>assistant\n"
            "A book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?<|im_end|>\n<|im_start|>assistant\n<think>"
        ),
        alone=(
            "<|im_start|>system\nYou are a helpful AI assistant."
            "<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>assistant\n<think>"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "granite-3",
        "refact",
        # IBM: chat template of ibm-granite/granite-3.3-2b-instruct
        published=(
            "<|start_of_role|>system<|end_of_role|>You are a careful assistant.<|end_of_text|>\n<|start_of_role|>user"
            "<|end_of_role|>What is a ledger?<|end_of_text|>\n<|start_of_role|>assistant"
            "<|end_of_role|>A book of records.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Who keeps it?"
            "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
        ),
        alone=(
            "<|start_of_role|>system<|end_of_role|>Knowledge Cutoff Date: April 2024.\nToday's Date: "
            "<today %B %d, %Y>.\nYou are Granite, developed by IBM. You are a helpful AI assistant.<|end_of_text|>\n"
            "<|start_of_role|>user<|end_of_role|>What is a ledger?<|end_of_text|>\n<|start_of_role|>assistant"
            "<|end_of_role|>"
        ),
        bos="<|end_of_text|>",
        eos="<|end_of_text|>",
        controls=("<|start_of_role|>", "<|end_of_role|>"),
        add_bos=False,
    ),
    Family(
        "granite-4",
        "dbrx",
        # IBM: chat template of ibm-granite/granite-4.0
        published=(
            "<|start_of_role|>system<|end_of_role|>You are a careful assistant.<|end_of_text|>\n<|start_of_role|>user"
            "<|end_of_role|>What is a ledger?<|end_of_text|>\n<|start_of_role|>assistant"
            "<|end_of_role|>A book of records.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Who keeps it?"
            "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
        ),
        alone=(
            "<|start_of_role|>system<|end_of_role|>You are a helpful assistant. Please ensure responses are "
            "professional, accurate, and safe.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>What is a ledger?"
            "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
        ),
        bos="<|end_of_text|>",
        eos="<|end_of_text|>",
        controls=("<|start_of_role|>", "<|end_of_role|>"),
        add_bos=False,
    ),
    Family(
        "apertus",
        "tekken",
        # Swiss AI: chat template of swiss-ai/Apertus-8B-Instruct-2509
        published=(
            "<s><|system_start|>You are a careful assistant.<|system_end|><|developer_start|>Deliberation: disabled\n"
            "Tool Capabilities: disabled<|developer_end|><|user_start|>What is a ledger?<|user_end|>"
            "<|assistant_start|>A book of records.<|assistant_end|><|user_start|>Who keeps it?<|user_end|>"
            "<|assistant_start|>"
        ),
        alone=(
            "<s><|system_start|>You are Apertus, a helpful assistant created by the SwissAI initiative.\n"
            "Knowledge cutoff: 2024-04\nCurrent date: <today %Y-%m-%d><|system_end|>"
            "<|developer_start|>Deliberation: disabled\nTool Capabilities: disabled<|developer_end|>"
            "<|user_start|>What is a ledger?<|user_end|><|assistant_start|>"
        ),
        eos="<|assistant_end|>",
        controls=(
            "<|system_start|>",
            "<|system_end|>",
            "<|developer_start|>",
            "<|developer_end|>",
            "<|user_start|>",
            "<|user_end|>",
            "<|assistant_start|>",
            "<|assistant_end|>",
            "</s>",
        ),
    ),
    Family(
        "zephyr",
        "spm",
        # Hugging Face H4: chat template of HuggingFaceH4/zephyr-7b-beta
        published=(
            "<s><|system|>\nYou are a careful assistant.</s>\n<|user|>\nWhat is a ledger?</s>\n<|assistant|>\n"
            "A book of records.</s>\n<|user|>\nWho keeps it?</s>\n<|assistant|>\n"
        ),
    ),
    Family(
        "smollm3",
        "llama-bpe",
        # Hugging Face: chat template of HuggingFaceTB/SmolLM3-3B, as others render it
        published=(
            "<|im_start|>system\n## Metadata\n\nKnowledge Cutoff Date: June 2025\nToday Date: <today %d %B %Y>\n"
            "Reasoning Mode: /think\n\n## Custom Instructions\n\nYou are a careful assistant.\n\n<|im_start|>user\n"
            "What is a ledger?<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\n"
            "Who keeps it?<|im_end|>\n<|im_start|>assistant\n"
        ),
        bos="<|begin_of_text|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>", "<|end_of_text|>"),
        add_bos=False,
    ),
)
